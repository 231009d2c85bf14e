"""Sets of images or features with known labels, by name; read from a path, never downloaded.

No trial is drawn here: which rows are a pool is up to `simulate.comparison`.
"""

from labelcycle.simulate.sets import arrays, class_folders, torchvision_files
from labelcycle.simulate.sets.chosen_set import Read, ReadSet

__all__ = ["BALANCED", "LONG_TAILS", "OF_FILES", "SETS", "Read", "ReadSet"]

SETS: dict[str, ReadSet] = {
    "cifar10": torchvision_files.cifar10,
    "cifar10-lt": torchvision_files.cifar10,
    "cifar100": torchvision_files.cifar100,
    "fashion-mnist": torchvision_files.fashion_mnist,
    "isic2019": class_folders.isic2019,
    "ham10000": class_folders.ham10000,
    "folder": class_folders.folder,
    "npz": arrays.npz,
}
"""By name, what reads the set."""

LONG_TAILS = {"cifar10-lt": 50.0}
"""Sets whose classes are thinned out (Cao et al. 2019, section 4): first class over last."""

OF_FILES = frozenset({"folder", "isic2019", "ham10000"})
"""Sets whose images are files of their own."""

BALANCED = frozenset({"isic2019", "ham10000"})
"""Sets with unequal classes in the test set too: measured by the mean recall of the classes."""
