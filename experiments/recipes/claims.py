"""The paper's claims (sections 3.2 and 3.3) on network parts and the order of methods, each comparing two methods.

Command: python tools/ablation_sweep.py --budget=cpu --seeds=0,1,2   (its parts; one seed cannot decide)
         python tools/compare_methods.py --budget=cpu --seeds=0,1,2  (the order of methods)
"""

from typing import NamedTuple


class Claim(NamedTuple):
    """A claim that one method has a higher PSNR than another.

    Attributes:
      text: the claim.
      place: where the paper shows it.
      better: network or method that the paper finds better.
      worse: the one it is compared with.
      early: whether it is about training speed: PSNR after a fifth of the epochs, not at the end.
    """

    text: str
    place: str
    better: str
    worse: str
    early: bool = False


PARTS = (
    Claim("Both skip connections beat the long one alone", "Table 1", "full", "long_only"),
    Claim("The long skip connection alone beats the local one", "Table 1", "long_only", "local_only"),
    Claim("The local skip connection alone beats none", "Table 1", "local_only", "no_skips"),
    Claim(
        "The local skip connection alone trains faster than the long one",
        "Table 1",
        "local_only",
        "long_only",
        early=True,
    ),
    Claim("Both skip connections train faster than the local one alone", "Table 1", "full", "local_only", early=True),
    Claim("The encoder-decoder beats plain convolutions", "Figure 5 (a)", "full", "no_deconv"),
    Claim("Dilated convolutions beat plain ones", "Figure 5 (b)", "full", "no_dilation"),
    Claim("Encoder-decoder and dilation together beat neither", "Figure 5 (c)", "full", "no_deconv_no_dilation"),
)

ORDER = (
    Claim("The paper's network beats RED-Net", "Table 2", "full", "rednet"),
    Claim("RED-Net beats VDSR", "Table 2", "rednet", "vdsr"),
    Claim("VDSR beats SRCNN", "Table 2", "vdsr", "srcnn"),
    Claim("SRCNN beats A+", "Table 2", "srcnn", "aplus"),
    Claim("A+ beats bicubic interpolation", "Table 2", "aplus", "bicubic"),
)
