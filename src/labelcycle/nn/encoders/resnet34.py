"""ResNet-34, trained by SimCLR on the pool: for many classes, and a GPU.

Chen, Kornblith, Norouzi, Hinton: A Simple Framework for Contrastive Learning of Visual
Representations, ICML 2020 (arXiv 2002.05709). The network is that of He, Zhang, Ren, Sun: Deep
Residual Learning for Image Recognition, CVPR 2016 (arXiv 1512.03385).
"""

from labelcycle.nn import resnet
from labelcycle.nn.resnet import Options as Options  # what the options' check looks for

_MODULE = resnet.ResNet("resnet34")
default_size, fit, rebuild = _MODULE.default_size, _MODULE.fit, _MODULE.rebuild
