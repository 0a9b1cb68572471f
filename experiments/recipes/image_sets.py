"""Where the image sets are published, by their authors or by those who keep copies."""

import dataclasses

from srnet.data.datasets import PUBLISHED_COUNTS

_DCSCN = "https://github.com/jiny2001/dcscn-super-resolution/archive/refs/heads/master.zip"
_SELF_EX_SR = "https://uofi.box.com/shared/static/65upg43jjd0a4cwsiqgl6o6ixube6klm.zip"
_BSDS500 = "https://github.com/BIDS/BSDS500/archive/refs/heads/master.zip"
# "for non-commercial research and educational purposes": www2.eecs.berkeley.edu/Research/Projects/CS/vision/bsds
_BSDS_TERMS = "non-commercial research and education"
_DIV2K = "https://data.vision.ee.ethz.ch/cvl/DIV2K"


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """A published set of images.

    Attributes:
      count: number of its images.
      url: its archive; "" if its authors give it only on request.
      inside: pattern of its files' paths in the archive, as for `fnmatch`.
      page: where its authors describe it.
      terms: the use that its authors allow.
    """

    count: int
    url: str
    inside: str
    page: str = ""
    terms: str = "not known"


IMAGE_SETS = {
    "T91": ImageSet(PUBLISHED_COUNTS["T91"], _DCSCN, "*/data/yang91/*"),
    "BSD200": ImageSet(PUBLISHED_COUNTS["BSD200"], _DCSCN, "*/data/bsd200/*", terms=_BSDS_TERMS),
    "Set5": ImageSet(PUBLISHED_COUNTS["Set5"], _DCSCN, "*/data/set5/*"),
    "Set14": ImageSet(PUBLISHED_COUNTS["Set14"], _DCSCN, "*/data/set14/*"),
    "BSD100": ImageSet(PUBLISHED_COUNTS["BSD100"], _DCSCN, "*/data/bsd100/*", terms=_BSDS_TERMS),
    "Urban100": ImageSet(PUBLISHED_COUNTS["Urban100"], _SELF_EX_SR, "*SRF_4*_HR.*"),
    "BSDval50": ImageSet(PUBLISHED_COUNTS["BSDval50"], _BSDS500, "*/images/test/*", terms=_BSDS_TERMS),
    "BSDextra150": ImageSet(PUBLISHED_COUNTS["BSDextra150"], _BSDS500, "*/images/test/*", terms=_BSDS_TERMS),
    "BSDS500": ImageSet(500, _BSDS500, "*/images/*/*", terms=_BSDS_TERMS),
    "DIV2K": ImageSet(800, f"{_DIV2K}/DIV2K_train_HR.zip", "*"),
    "DIV2K_valid": ImageSet(100, f"{_DIV2K}/DIV2K_valid_HR.zip", "*"),
    "Flickr2K": ImageSet(2650, "https://cv.snu.ac.kr/research/EDSR/Flickr2K.tar", "*Flickr2K_HR/*"),
    "Manga109": ImageSet(109, "", "*", "http://www.manga109.org"),
}
