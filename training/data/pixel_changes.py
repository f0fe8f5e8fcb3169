"""Changes of the pixels of whole batches: luma, brightness, contrast, saturation, hue and blur, each by its own amount.

Images are [B, 3, H, W] in 0..1, on any device; tests compare with torchvision's operations on single images.
"""

import torch
from torch import Tensor

GREY = (0.299, 0.587, 0.114)  # weights of red, green and blue in luma (ITU-R BT.601)


def luma(images: Tensor) -> Tensor:
    """The luma [B, 1, H, W] of RGB images [B, 3, H, W]."""
    red, green, blue = GREY
    return (images[:, 0:1] * red).add_(images[:, 1:2], alpha=green).add_(images[:, 2:3], alpha=blue)


def brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Scale the brightness by factor [B]; 0 gives black."""
    return (images * factor[:, None, None, None]).clamp_(0, 1)


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Scale the contrast around the mean luma of each image by factor [B]."""
    grey = luma(images).mean(dim=(1, 2, 3), keepdim=True)
    return torch.lerp(grey, images, factor[:, None, None, None]).clamp_(0, 1)


def saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Scale the saturation by factor [B]; 0 gives greyscale."""
    return torch.lerp(luma(images), images, factor[:, None, None, None]).clamp_(0, 1)


def hue(images: Tensor, turn: Tensor) -> Tensor:
    """Rotate the hue by turn [B] in -0.5..0.5 of the colour circle.

    Equals the rotation in HSV without the conversion: a channel is the maximum minus a fraction of the spread between
    maximum and minimum, and this fraction depends on the hue alone.
    """
    red, green, blue = images.unbind(1)  # each [B, H, W]
    most, least = images.amax(dim=1), images.amin(dim=1)
    spread = most - least
    unit = spread.clamp_min(1e-12)
    sixth = torch.where(
        most == red,
        (green - blue) / unit,
        torch.where(most == green, (blue - red) / unit + 2, (red - green) / unit + 4),
    )
    sixth += 6 * turn[:, None, None]
    out = torch.empty_like(images)
    for channel, offset in enumerate((5.0, 3.0, 1.0)):
        place = torch.remainder(sixth + offset, 6)
        out[:, channel] = most - spread * torch.minimum(place, 4 - place).clamp_(0, 1)
    return out


def gaussian_blur(images: Tensor, deviation: Tensor) -> Tensor:
    """Gaussian blur of [B, C, S, S] with standard deviation [B] in pixels, over a window of a tenth of the side."""
    size = images.shape[-1]
    reach = max(1, round(size / 20))
    apart = torch.arange(-reach, reach + 1, device=images.device)
    weight = torch.exp(-0.5 * (apart[None] / deviation[:, None].clamp_min(1e-3)) ** 2)
    weight = weight / weight.sum(dim=1, keepdim=True)  # [B, 2 reach + 1]
    where = torch.arange(size, device=images.device)[:, None] + apart[None]  # of each pixel, its neighbours
    where = where.abs()
    where = torch.where(where >= size, 2 * (size - 1) - where, where)  # mirrored at the borders
    matrix = images.new_zeros(len(images), size, size)
    matrix.scatter_add_(2, where.expand(len(images), -1, -1), weight[:, None].expand(-1, size, -1).contiguous())
    return matrix[:, None] @ images @ matrix[:, None].transpose(2, 3)
