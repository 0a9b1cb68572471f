"""Table 2 from records alone, beside the published figures."""

from experiments.tables.comparison import describe_table_2, published


def test_published_figures_have_sources_and_none_is_unconfirmed():
    literature = published()
    assert literature["VDSR", "Set5", 2][:2] == ("37.53", "0.9587")
    assert literature["A+", "Urban100", 4][:2] == ("24.32", "0.7183")
    assert all(result.source and "unconfirmed" not in result.source for result in literature.values())


def _record(method, scale, psnr, parameters, **options):
    measurement = {"psnr": psnr, "ssim": 0.9, "images": 5, "seconds": 1.0}
    cost = {
        "parameters": parameters,
        "macs": parameters and 1e9,
        "seconds_per_megapixel": 0.5,
        "hardware": {"cpu": "A", "gpus": []},
    }
    run = {"steps": 2000, "batch_size": 16, "patch": 49, "precision": "mixed_bfloat16", "seconds": 500.0}
    found = {"method": method, "scale": scale, "seed": 0, "cost": cost, "measurements": {"Set5": measurement}}
    return {**found, "run": {**run, "model_options": options} if parameters else None}


def test_table_gives_ours_and_the_published_figure():
    found = [
        _record("vdsr", 2, 36.5, 665921),
        _record("bicubic", 2, 33.66, None),
        _record("rednet", 2, 36.25, 1035201, filters=64),
        {**_record("full", 2, 36.0, 406913), "cost": None},
        _record("no_skips", 2, 30.0, 406913),
    ]
    found[0]["cost"]["hardware"] = {"cpu": "A", "gpus": ["B"]}
    lines = describe_table_2(found, "cpu").splitlines()
    assert lines[2] == "x2, PSNR in dB / SSIM; timed on A, except VDSR: B:"
    starts = (
        "| Bicubic | - | - | 0.50 | - | - | 33.66 / 0.9000<br>*33.66 / 0.9299* | -<br>*30.24 / 0.8688* |",
        "| VDSR | 665,921 | 1.0 | 0.50 | 2,000 x 16, 48x48 | bfloat16, 8 | 36.50 / 0.9000<br>*37.53 / 0.9587* |",
        "| RED-Net, filters 64 | 1,035,201 | 1.0 | 0.50 | 2,000 x 16, 48x48 | bfloat16, 8 | 36.25 / 0.9000 | - |",
    )
    rows = [line for line in lines if line.startswith("| ")][2:]
    assert not any("introduction" in line for line in lines)
    assert len(rows) == 3 and all(row.startswith(start) for row, start in zip(rows, starts))
    assert "Lim et al. 2017 (EDSR), comparison table" in lines[-1]


def test_networks_of_the_introduction_have_a_part_of_their_own():
    found = [_record("vdsr", 2, 36.5, 665921), _record("rcan_small", 2, 36.9, 1822289), _record("idn", 4, 31.0, 552769)]
    lines = describe_table_2(found, "cpu").splitlines()
    titles = [line for line in lines if "PSNR in dB / SSIM" in line]
    introduction = "networks named in the paper's introduction, PSNR in dB / SSIM; timed on A:"
    assert titles == ["x2, PSNR in dB / SSIM; timed on A:", f"x2, {introduction}", f"x4, {introduction}"]
    (rcan,) = (line for line in lines if line.startswith("| RCAN, 4 groups of 5 blocks | 1,822,289 |"))
    assert "36.90 / 0.9000<br>*38.27 / 0.9614*" in rcan
    assert any(line.startswith("| IDN | 552,769 |") and "<br>*31.82 / 0.8903*" in line for line in lines)
