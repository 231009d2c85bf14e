"""ResNet-34, trained by SimCLR on the pool: for many classes; wants a GPU."""

from labelcycle.nn import resnet
from labelcycle.nn.resnet import Options as Options  # what the options' check looks for

_MODULE = resnet.ResNet("resnet34")
default_size, fit, rebuild = _MODULE.default_size, _MODULE.fit, _MODULE.rebuild
