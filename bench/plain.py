"""Each operation as plain OpenCV, NumPy or Pillow, as a manual would have it: the other side.

Owns the expressions, of 8-bit BGR alone, and how they are read and written. It must not know how
`ops` does the same.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from cv2.typing import MatLike
from PIL import Image, ImageDraw, ImageFont

JPEG: Final = (cv2.IMWRITE_JPEG_QUALITY, 95)
GREEN: Final = (0, 255, 0)
RED: Final = (0, 0, 255)
WHITE: Final = (255, 255, 255)
SQUARE: Final = np.ones((3, 3), np.uint8)
BINS: Final = 256
INKS: Final = {"blue": (255, 90, 60), "green": (60, 190, 60), "red": (60, 60, 255)}


def _same(pixels: MatLike) -> MatLike:
    return pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A recipe of one step, and what does the same without us.

    `change` gives the pixels that `suffix` and `options` encode; where there is `tell`, the result
    is what it says of the file and its pixels, as JSON. `within` is how far a value may be from
    ours.
    """

    recipe: str
    change: Callable[[MatLike], MatLike] = _same
    tell: Callable[[bytes, MatLike], object] | None = None
    suffix: str = ".jpg"
    options: Sequence[int] = JPEG
    within: int = 0

    @property
    def operation(self) -> str:
        """The operation's name."""
        return self.recipe.partition(" ")[0]

    def __call__(self, data: bytes) -> bytes:
        """Decode, do it, encode."""
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert pixels is not None
        if self.tell is not None:
            return json.dumps(self.tell(data, pixels)).encode()
        return cv2.imencode(self.suffix, self.change(pixels), self.options)[1].tobytes()


def _gray(pixels: MatLike) -> MatLike:
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)


def _gamma(pixels: MatLike) -> MatLike:
    table = np.rint((np.arange(256) / 255) ** (1 / 1.5) * 255).astype(np.uint8)
    return cv2.LUT(pixels, table)


def _posterize(pixels: MatLike) -> MatLike:
    table = np.rint(np.minimum(np.arange(256) * 4 // 255, 3) * 85).astype(np.uint8)
    return cv2.LUT(pixels, table)


def _sepia(pixels: MatLike) -> MatLike:
    matrix = np.array([[0.131, 0.534, 0.272], [0.168, 0.686, 0.349], [0.189, 0.769, 0.393]])
    return cv2.transform(pixels, matrix)


def _threshold(pixels: MatLike) -> MatLike:
    return cv2.threshold(_gray(pixels), 127, 255, cv2.THRESH_BINARY)[1]


def _otsu(pixels: MatLike) -> MatLike:
    return cv2.threshold(_gray(pixels), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1]


def _adaptive(pixels: MatLike) -> MatLike:
    return cv2.adaptiveThreshold(
        _gray(pixels), 255, cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY, 11, 2
    )


def _equalize(pixels: MatLike) -> MatLike:
    luma, red, blue = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_BGR2YCrCb))
    merged = cv2.merge([cv2.equalizeHist(luma), red, blue])
    return cv2.cvtColor(merged, cv2.COLOR_YCrCb2BGR)


def _clahe(pixels: MatLike) -> MatLike:
    luma, red, blue = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_BGR2YCrCb))
    merged = cv2.merge([cv2.createCLAHE(2.0, (8, 8)).apply(luma), red, blue])
    return cv2.cvtColor(merged, cv2.COLOR_YCrCb2BGR)


def _normalize(pixels: MatLike) -> MatLike:
    return cv2.normalize(pixels, np.empty_like(pixels), 0, 255, cv2.NORM_MINMAX)


def _clipped(pixels: MatLike) -> MatLike:
    low, high = np.percentile(pixels, (1, 99))
    scale = 255 / (high - low)
    return cv2.addWeighted(pixels, scale, pixels, 0, -low * scale)


def _sharpen(pixels: MatLike) -> MatLike:
    return cv2.filter2D(pixels, -1, np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], np.float32))


def _unsharp(pixels: MatLike) -> MatLike:
    return cv2.addWeighted(pixels, 1.8, cv2.GaussianBlur(pixels, (0, 0), 2.0), -0.8, 0)


def _denoise(pixels: MatLike) -> MatLike:
    return cv2.fastNlMeansDenoisingColored(pixels, None, 10, 10, 7, 21)


def _sobel(pixels: MatLike) -> MatLike:
    gray = _gray(pixels)
    across, down = cv2.Sobel(gray, cv2.CV_32F, 1, 0), cv2.Sobel(gray, cv2.CV_32F, 0, 1)
    return cv2.convertScaleAbs(cv2.magnitude(across, down))


def _laplacian(pixels: MatLike) -> MatLike:
    return cv2.convertScaleAbs(cv2.Laplacian(_gray(pixels), cv2.CV_32F, ksize=3))


def _lines(pixels: MatLike) -> MatLike:
    edges = cv2.Canny(_gray(pixels), 50, 150)
    found = cv2.HoughLinesP(edges, 1, np.pi / 180, 200, minLineLength=100, maxLineGap=10)
    for x1, y1, x2, y2 in [] if found is None else found.reshape(-1, 4).astype(int):
        cv2.line(pixels, (x1, y1), (x2, y2), GREEN, 2, cv2.LINE_AA)
    return pixels


def _contours(pixels: MatLike) -> MatLike:
    outlines, _ = cv2.findContours(_threshold(pixels), cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
    return cv2.drawContours(pixels, outlines, -1, GREEN, 2)


def _morphed(code: int) -> Callable[[MatLike], MatLike]:
    return lambda pixels: cv2.morphologyEx(pixels, code, np.ones((5, 5), np.uint8))


def _morphology(pixels: MatLike) -> MatLike:
    element = np.ones((5, 5), np.uint8)
    opened = cv2.morphologyEx(cv2.dilate(pixels, element), cv2.MORPH_OPEN, element)
    return cv2.morphologyEx(opened, cv2.MORPH_CLOSE, element)


def _resized(width: int) -> Callable[[MatLike], MatLike]:
    """Return what makes a picture so wide."""

    def resized(pixels: MatLike) -> MatLike:
        scale = width / pixels.shape[1]
        how = cv2.INTER_AREA if scale <= 1 else cv2.INTER_CUBIC
        return cv2.resize(pixels, (width, round(pixels.shape[0] * scale)), interpolation=how)

    return resized


def _thumbnail(pixels: MatLike) -> MatLike:
    return _resized(256)(pixels) if pixels.shape[1] > 256 else pixels


def _cropped(pixels: MatLike) -> MatLike:
    height, width = pixels.shape[:2]
    left, top = max(0, round((width - 800) / 2)), max(0, round((height - 600) / 2))
    return pixels[top : top + 600, left : left + 800]


def _padded(pixels: MatLike) -> MatLike:
    height, width = pixels.shape[:2]
    across, down = max(0, 2400 - width), max(0, 2400 - height)
    left, top = round(across / 2), round(down / 2)
    return cv2.copyMakeBorder(
        pixels, top, down - top, left, across - left, cv2.BORDER_CONSTANT, value=(0, 0, 0)
    )


def _turned(pixels: MatLike) -> MatLike:
    height, width = pixels.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 15, 1.0)
    across, along = abs(turn[0, 0]), abs(turn[0, 1])
    wide, high = np.ceil([width * across + height * along, width * along + height * across])
    turn[:, 2] += (wide - width) / 2, (high - height) / 2
    return cv2.warpAffine(pixels, turn, (int(wide), int(high)), borderValue=WHITE)


def _autocrop(pixels: MatLike) -> MatLike:
    first = pixels[0, 0].astype(float)
    border = cv2.inRange(pixels, first - 8, first + 8)
    left, top, width, height = cv2.boundingRect(cv2.bitwise_not(border))
    return pixels[top : top + height, left : left + width] if width else pixels


def _watermark(pixels: MatLike) -> MatLike:
    height, width = pixels.shape[:2]
    font = ImageFont.load_default(max(6, min(height, width) * 0.05))
    left, top, right, bottom = font.getbbox("(c) Ada")
    letters = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2))
    ImageDraw.Draw(letters).text((1 - left, 1 - top), "(c) Ada", fill=255, font=font)
    margin = round(min(height, width) * 0.03)
    y, x = height - margin - letters.height, width - margin - letters.width
    share = np.asarray(letters)[..., None] / 255 * 0.5
    part = pixels[y : y + letters.height, x : x + letters.width]
    part[:] = np.rint(part * (1 - share) + 255 * share)
    return pixels


def _logo(pixels: MatLike) -> MatLike:
    height, width = pixels.shape[:2]
    margin = round(min(height, width) * 0.03)
    size = max(1, round(width * 0.05)), max(1, round(height * 0.05))
    logo = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    y, x = height - margin - size[1], width - margin - size[0]
    part = pixels[y : y + size[1], x : x + size[0]]
    part[:] = cv2.addWeighted(part, 0.4, logo, 0.6, 0)
    return pixels


def _matched(pixels: MatLike) -> MatLike:
    gray = _gray(pixels)
    orb = cv2.ORB.create(nfeatures=500)
    (points, ours), (others, theirs) = (orb.detectAndCompute(gray, None) for _ in range(2))
    pairs = [] if ours is None else cv2.BFMatcher(cv2.NORM_HAMMING, True).match(ours, theirs)
    best = sorted(pairs, key=lambda pair: pair.distance)[:10]
    drawn = np.empty((pixels.shape[0], 2 * pixels.shape[1], 3), np.uint8)
    return cv2.drawMatches(
        pixels,
        points,
        pixels,
        others,
        best,
        drawn,
        matchesThickness=2,
        matchColor=GREEN,
        flags=cv2.DRAW_MATCHES_FLAGS_NOT_DRAW_SINGLE_POINTS,
    )


def _watershed(pixels: MatLike) -> MatLike:
    gray = cv2.medianBlur(_gray(pixels), 5)
    height, width = gray.shape
    small = min(1.0, 256 / height)
    seen = cv2.resize(
        gray, (round(width * small), round(height * small)), interpolation=cv2.INTER_AREA
    )
    light = cv2.GaussianBlur(seen, (0, 0), seen.shape[0] / 8)
    light = cv2.resize(light, (width, height), interpolation=cv2.INTER_LINEAR)
    even = cv2.addWeighted(gray, 1, light, -1, 128)
    mask = cv2.threshold(even, 0, 255, cv2.THRESH_BINARY_INV | cv2.THRESH_OTSU)[1]
    if np.mean(mask) > 127.5:
        mask = cv2.bitwise_not(mask)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, SQUARE, iterations=2)
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(mask, outlines, -1, 255, cv2.FILLED)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, 5)
    count, part = cv2.connectedComponents(mask)
    inside = mask > 0
    largest = np.zeros(count, np.float32)
    np.maximum.at(largest, part[inside].astype(np.intp), distance[inside])
    sure = (inside & (distance > np.float32(0.7) * largest[part])).astype(np.uint8)
    markers = cv2.connectedComponents(sure)[1] + 1
    markers[(cv2.dilate(mask, SQUARE, iterations=3) > 0) & (sure == 0)] = 0
    pixels[cv2.watershed(pixels, markers) == -1] = RED
    return pixels


def _sketch(pixels: MatLike) -> MatLike:
    gray = np.maximum(_sharpen(_gray(pixels)), 16)
    blurred = cv2.GaussianBlur(cv2.bitwise_not(gray), (21, 21), 0)
    return cv2.divide(gray, cv2.bitwise_not(blurred), scale=256)


def _counts(pixels: MatLike) -> dict[str, MatLike]:
    return {
        name: cv2.calcHist([pixels], [number], None, [BINS], [0, BINS]).ravel()
        for number, name in enumerate(INKS)
    }


def _histogram(pixels: MatLike) -> MatLike:
    counts = _counts(pixels)
    drawn = np.full((256, 512, 3), 255, np.uint8)
    across, most = np.linspace(0, 511, BINS), max(float(one.max()) for one in counts.values())
    for name, one in counts.items():
        up = 255 * (1 - one.astype(float) / most)
        points = np.stack([across, up], axis=1).round().astype(np.int32)
        cv2.polylines(drawn, [points], isClosed=False, color=INKS[name], thickness=1)
    return drawn


def _counted(_data: bytes, pixels: MatLike) -> object:
    counts = {name: one.astype(int).tolist() for name, one in _counts(pixels).items()}
    return {"pixels": pixels.shape[0] * pixels.shape[1], **counts}


TWINS: Final = (
    Twin(recipe="identity"),
    Twin(recipe="grayscale", change=_gray),
    Twin(recipe="invert", change=cv2.bitwise_not),
    Twin(
        recipe="brightness amount=0.1",
        change=lambda pixels: cv2.convertScaleAbs(pixels, alpha=1, beta=25.5),
        within=1,
    ),
    Twin(
        recipe="contrast factor=1.3",
        change=lambda pixels: cv2.addWeighted(pixels, 1.3, pixels, 0, -38.25),
        within=1,
    ),
    Twin(recipe="gamma gamma=1.5", change=_gamma),
    Twin(recipe="posterize levels=4", change=_posterize),
    Twin(recipe="sepia", change=_sepia, within=1),
    Twin(recipe="threshold", change=_threshold),
    Twin(recipe="threshold method=otsu", change=_otsu),
    Twin(recipe="threshold method=adaptive", change=_adaptive),
    Twin(recipe="equalize", change=_equalize),
    Twin(recipe="clahe clip=2 tiles=8", change=_clahe),
    Twin(recipe="normalize", change=_normalize, within=1),
    Twin(recipe="normalize clip=1", change=_clipped, within=1),
    Twin(recipe="blur ksize=5", change=lambda pixels: cv2.GaussianBlur(pixels, (5, 5), 0)),
    Twin(recipe="median ksize=5", change=lambda pixels: cv2.medianBlur(pixels, 5)),
    Twin(
        recipe="bilateral diameter=9 colour=75 space=75",
        change=lambda pixels: cv2.bilateralFilter(pixels, 9, 75, 75),
    ),
    Twin(recipe="sharpen amount=1", change=_sharpen),
    Twin(recipe="unsharp sigma=2 amount=0.8", change=_unsharp),
    Twin(recipe="denoise strength=10", change=_denoise),
    Twin(recipe="canny low=100 high=200", change=lambda pixels: cv2.Canny(pixels, 100, 200)),
    Twin(recipe="sobel ksize=3", change=_sobel),
    Twin(recipe="laplacian ksize=3", change=_laplacian),
    Twin(recipe="lines threshold=200 length=100 gap=10", change=_lines),
    Twin(recipe="contours threshold=127", change=_contours),
    Twin(recipe="erode ksize=5", change=_morphed(cv2.MORPH_ERODE)),
    Twin(recipe="dilate ksize=5", change=_morphed(cv2.MORPH_DILATE)),
    Twin(recipe="open ksize=5", change=_morphed(cv2.MORPH_OPEN)),
    Twin(recipe="close ksize=5", change=_morphed(cv2.MORPH_CLOSE)),
    Twin(recipe="gradient ksize=5", change=_morphed(cv2.MORPH_GRADIENT)),
    Twin(recipe="tophat ksize=5", change=_morphed(cv2.MORPH_TOPHAT)),
    Twin(recipe="blackhat ksize=5", change=_morphed(cv2.MORPH_BLACKHAT)),
    Twin(recipe="morphology ksize=5", change=_morphology),
    Twin(recipe="resize width=1024", change=_resized(1024)),
    Twin(recipe="resize width=2400", change=_resized(2400)),
    Twin(recipe="thumbnail size=256", change=_thumbnail),
    Twin(recipe="crop width=800 height=600", change=_cropped),
    Twin(recipe="pad width=2400 height=2400 colour=black", change=_padded),
    Twin(
        recipe="rotate angle=90",
        change=lambda pixels: cv2.rotate(pixels, cv2.ROTATE_90_COUNTERCLOCKWISE),
    ),
    Twin(recipe="rotate angle=15", change=_turned),
    Twin(recipe="flip axis=horizontal", change=lambda pixels: cv2.flip(pixels, 1)),
    Twin(recipe="autocrop tolerance=8", change=_autocrop),
    Twin(recipe="watershed", change=_watershed),
    Twin(recipe="sketch", change=_sketch),
    Twin(recipe="watermark text='(c) Ada' opacity=0.5", change=_watermark),
    Twin(recipe="watermark picture=itself", change=_logo, within=1),
    Twin(recipe="match reference=itself", change=_matched),
    Twin(
        recipe="convert format=webp quality=80",
        suffix=".webp",
        options=(cv2.IMWRITE_WEBP_QUALITY, 80),
    ),
    Twin(recipe="strip"),
    Twin(recipe="histogram", change=_histogram),
    Twin(recipe="histogram give=data", tell=_counted),
)
"""Of every operation one or more; pictures are wider than high, and the other one is the same."""
