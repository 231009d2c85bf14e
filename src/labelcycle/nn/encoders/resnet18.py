"""ResNet-18, trained by SimCLR on the pool: the encoder of the papers; wants a GPU."""

from labelcycle.nn import resnet
from labelcycle.nn.resnet import Options as Options  # what the options' check looks for

_MODULE = resnet.ResNet("resnet18")
default_size, fit, rebuild = _MODULE.default_size, _MODULE.fit, _MODULE.rebuild
