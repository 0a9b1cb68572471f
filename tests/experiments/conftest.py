"""Records as runs of the ablation leave them."""


def ablation_record(method, psnrs, scale=2, seed=0, end=None, **settings):
    """A record of a run with these PSNRs after each epoch, and `end` on all of Urban100."""
    epochs = [
        {"epoch": n, "step": 10 * n, "psnr": psnr, "ssim": psnr / 100, "seconds": 5.0}
        for n, psnr in enumerate(psnrs, 1)
    ]
    run = {"epochs": epochs, "validation_set": "Urban100", "validation_images": 5, "steps_per_epoch": 10}
    run |= {"learning_rate": 1e-3, "batch_size": 16, "patch": 48, "precision": "float32", "optimizer": "adam"}
    run |= {"initializer": "he", "beta_2": 0.9999, "schedule": "staircase", "augment": True, "orientations": 4}
    run |= {"train_sets": ["T91", "BSD200"], "steps": 10 * len(psnrs), **settings}
    measurements = {"Urban100": {"psnr": end, "ssim": 0.5}} if end else {}
    return {"method": method, "scale": scale, "seed": seed, "measurements": measurements, "run": run}
