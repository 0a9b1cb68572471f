"""Figure 6: details of three pictures, enlarged by each method.

The paper (section 3.3) shows Set14 image 8 at x4 (its network has fewer jagged edges), BSD100 image 43 at x2 (the
boat's roof is sharper) and Urban100 image 82 at x4 (the figure's legs are clearer and unbroken).

Command: python tools/visual_comparison.py --budget=cpu --methods=bicubic,aplus,srcnn,vdsr,rednet,full,plus
(two cores: two minutes, after compare_methods.py)
Expect, for BSD100 image 43 at the cpu budget, PSNR in dB: bicubic 28.52, A+ 30.05, SRCNN 30.22, VDSR 30.33, RED-Net
30.54, the paper's network 30.07.
"""

Crop = tuple[int, int, int, int]

# Set, number of the image from 1, scale, and crop in HR pixels: left, top, width, height.
PICTURES: tuple[tuple[str, int, int, Crop], ...] = (
    ("Set14", 8, 4, (208, 60, 96, 96)),
    ("BSD100", 43, 2, (268, 184, 96, 96)),
    ("Urban100", 82, 4, (816, 168, 128, 128)),
)

# At the quick budget, which needs no images but scikit-image's: an eye, and the astronaut's badge.
BUNDLED_PICTURES: tuple[tuple[str, int, int, Crop], ...] = (
    ("skimage_test", 2, 4, (122, 70, 96, 96)),
    ("skimage_test", 1, 4, (124, 336, 96, 96)),
)
