"""Downloads and unpacks image sets, and compares their pixels with the published ones.

python tools/prepare_data.py --sets=T91,BSD200,Set5,Set14 --data_root=images    download and unpack
python tools/prepare_data.py --sets=Manga109 --source=Manga109.zip              an archive or folder on this machine
python tools/prepare_data.py --verify                                           compare what is in --data_root

Each set becomes a folder under --data_root, atomically. The sets belong to their authors; observe their terms of use.
"""

import pathlib
import sys

from absl import flags

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from experiments.recipes.image_sets import IMAGE_SETS
from srnet import cli
from srnet.errors import DataError, UsageError


def define_flags() -> None:
    names = ", ".join(IMAGE_SETS)
    flags.DEFINE_list("sets", None, f"Sets: {names}. Default with --verify: all in --data_root.")
    flags.DEFINE_string("source", "", "URL or path of a zip or tar archive, or a folder. Default: the set's own URL.")
    flags.DEFINE_bool("verify", False, "Compare the folders under --data_root; change nothing.")
    cli.define_data_root_flag()
    cli.define_cache_flag("archives, which are downloaded once")


def main(arguments: list[str]) -> int:
    cli.expect_no_arguments(arguments)
    from experiments.image_sets import prepare, verify

    values = flags.FLAGS
    if not values.data_root:
        raise UsageError("--data_root or SRNET_DATA must name the folder that the sets are in")
    sets = values.sets
    if sets is None and values.verify:
        sets = [name for name in IMAGE_SETS if (pathlib.Path(values.data_root) / name).is_dir()]
        if not sets:
            raise DataError(f"{values.data_root}: contains no image set")
    if not sets:
        raise UsageError(f"--sets: name at least one of {', '.join(IMAGE_SETS)}")
    unknown = [name for name in sets if name not in IMAGE_SETS]
    if unknown:
        raise UsageError(f"--sets={','.join(unknown)}: unknown; choose from {', '.join(IMAGE_SETS)}")
    if values.source and (values.verify or len(sets) != 1):
        raise UsageError("--source needs one set in --sets, and no --verify")
    status = 0
    for name in sets:
        try:
            if values.verify:
                line = verify(name, values.data_root)
            else:
                line = prepare(name, values.source, values.data_root, pathlib.Path(values.cache_dir))
            print(line, flush=True)
        except (DataError, UsageError) as error:  # go on with the other sets
            cli.complain(error)
            status = max(status, 2 if isinstance(error, UsageError) else 1)
    return status


if __name__ == "__main__":
    cli.run(main, define_flags)
