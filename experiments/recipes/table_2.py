"""Table 2: the methods compared, on Set5, Set14, BSD100 and Urban100, at x2 and x4.

The paper (section 3.3) finds its network above RED-Net, VDSR, SRCNN, A+ and bicubic interpolation, in this order, on
every set, in PSNR and SSIM. This project does not have the paper's own numbers. Published figures of the other methods,
measured by the same protocol, are shown beside ours in italics (`literature.csv` names each source). The second part of
the table has the networks that the introduction names; those of the cpu budget are smaller than in their papers.

Command: python tools/compare_methods.py --budget=cpu   (two cores: two hours for x2)
         python tools/compare_methods.py --budget=cpu --methods=drcn,idn,rcan_small,esrgan_small   (the second part)
         python tools/compare_methods.py --budget=quick (two cores: minutes, not measured yet; without A+)
Expect, at the cpu budget and x2 on Set5 (seed 0, two cores), PSNR in dB: bicubic 33.66, A+ 36.64, SRCNN 36.46, VDSR
36.56, RED-Net of 64 filters 37.04, the paper's network 36.26, `plus` 37.29; at x4: bicubic 28.42, A+ 30.35, SRCNN
30.31, VDSR 30.31, RED-Net of 64 filters 30.54, the paper's network 30.16, `plus` 30.93; in the second part IDN 36.05
and 30.34, RCAN (small) 37.04 and 30.69, ESRGAN's generator (small) 36.50 and 29.95, DRCN of 64 filters 36.03 and 29.24.
"""

# Row of the table: method or network, and its name in literature.csv; RED30's published figures are not confirmed.
ROWS: dict[str, tuple[str, str | None]] = {
    "Bicubic": ("bicubic", "Bicubic"),
    "A+": ("aplus", "A+"),
    "SRCNN": ("srcnn", "SRCNN"),
    "VDSR": ("vdsr", "VDSR"),
    "RED-Net": ("rednet", None),
    "the paper's network": ("full", None),
    "`plus`": ("plus", None),
}
# The second part: networks that the paper's introduction names but the paper does not measure.
INTRODUCTION: dict[str, tuple[str, str | None]] = {
    "DRCN": ("drcn", "DRCN"),
    "IDN": ("idn", "IDN"),
    "RCAN": ("rcan", "RCAN"),
    "RCAN, 4 groups of 5 blocks": ("rcan_small", "RCAN"),
    "ESRGAN's generator": ("esrgan", None),
    "ESRGAN's generator, 3 narrow blocks": ("esrgan_small", None),
}
ALL = {**ROWS, **INTRODUCTION}
SCALES = (2, 4)
NOTE = "A+ is trained on T91. Minutes: training with validation; some runs include pauses or ran beside other work."
