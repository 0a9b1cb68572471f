"""Table 1: the effect of the two skip connections.

The paper (section 3.2, learning rate 0.001; Urban100, x2 and x4, PSNR and SSIM at several epochs) finds that the
network without skips hardly converges and ends badly, that the long skip alone gives a better result than the local
one alone but converges more slowly, and that both together are best in speed and result. This project does not have
the paper's own numbers.

Command: python tools/ablation_sweep.py --budget=cpu   (two cores: 2 h 45 min, with Figure 5)
         python tools/ablation_sweep.py --budget=quick (two cores: 7 minutes, with Figure 5)
Expect, at the cpu budget (seed 0, two cores), x2, all of Urban100, PSNR in dB: none 27.87, local 28.42, long 28.60,
both 28.90; x4: 6.25 (diverged), 24.11, 24.09, 24.16.
"""

# Column of the table: network.
COLUMNS = {"none": "no_skips", "local": "local_only", "long": "long_only", "both": "full"}
SCALES = (2, 4)
SET = "Urban100"
EPOCHS = 5  # epochs that the table shows: evenly spaced, including the last
