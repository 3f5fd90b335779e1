"""Kodak's pictures have two sizes. Networks and codecs of one size take them in two folders."""
import shutil
from pathlib import Path

from image_codecs import read_header


def by_size(kodak):
    """(width, height) -> pictures, sorted; nothing where no folder is named or none of its pictures are there."""
    sizes = {}
    for path in sorted(Path(kodak).glob("kodim*.png")) if kodak else []:
        sizes.setdefault(read_header(path), []).append(path)
    return dict(sorted(sizes.items()))


def linked(folder, pictures):
    """The folder, with links to these pictures as its one class."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "kodak").mkdir(parents=True)
    for path in pictures:
        (folder / "kodak" / path.name).symlink_to(path.resolve())
    return folder
