"""Figure 5: PSNR against epochs, with and without the encoder-decoder, dilation, and both.

The paper (section 3.2) finds the encoder-decoder network more accurate than plain convolutions (5a), dilated
convolutions better than plain ones (5b), and both together clearly better than neither (5c).

Command: python tools/ablation_sweep.py --budget=cpu   (two cores: 2 h 45 min, with Table 1)
         python tools/ablation_sweep.py --budget=quick (two cores: 7 minutes, with Table 1)
Expect, at the cpu budget (seed 0, two cores), x2, five images of Urban100, PSNR in dB: full 27.89, no_deconv 27.90,
no_dilation 27.95, no_deconv_no_dilation 27.91.
"""

# Title of the panel: label and network of each of its curves.
PANELS = {
    "(a) encoder-decoder": {"with": "full", "plain convolutions": "no_deconv"},
    "(b) dilated convolutions": {"with": "full", "all rates 1": "no_dilation"},
    "(c) both": {"with both": "full", "with neither": "no_deconv_no_dilation"},
}
NETWORKS = {network for curves in PANELS.values() for network in curves.values()}
SCALES = (2,)
