"""Filters, edges and morphology against SciPy's, or against what can be said by hand."""

import cv2
import numpy as np
import pytest
from scipy import ndimage

from pixmesh.ops import edges, filters, morphology
from pixmesh.tests.support.photos import Pixels, drawn, skimage_photos

LAPLACE = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float64)


def gray(depth: int = 8) -> Pixels:
    return drawn(21, 60, 40, depth=depth, channels=1)


@pytest.mark.parametrize("ksize", [3, 5, 9])
def test_the_median_is_scipys(ksize: int) -> None:
    expected = ndimage.median_filter(gray(), ksize, mode="nearest")
    assert (filters.median(gray(), ksize=ksize) == expected).all()


def test_a_median_takes_specks_out_and_leaves_an_edge_where_it_is() -> None:
    pixels = np.zeros((20, 20), np.uint8)
    pixels[:, 10:] = 200
    pixels[5, 5] = 255
    found = filters.median(pixels, ksize=3)
    assert found[5, 5] == 0
    assert (found[:, 10:] == 200).all()


@pytest.mark.parametrize("depth", [8, 32])
def test_the_bilateral_filter_is_opencvs_and_keeps_alpha(depth: int) -> None:
    pixels = drawn(22, 40, 30, depth=depth, channels=4)
    bgr = np.ascontiguousarray(pixels[..., :3])
    scale = 1 if depth == 8 else 255
    expected = cv2.bilateralFilter(bgr, 7, 60 / scale, 50)
    found = filters.bilateral(pixels, diameter=7, colour=60.0, space=50.0)
    assert np.abs(found[..., :3].astype(np.float64) - expected).max() < 1e-5
    assert (found[..., 3] == pixels[..., 3]).all()


def test_sixteen_bits_are_filtered_as_finely_as_eight() -> None:
    eight = drawn(23, 40, 30)
    deep = eight.astype(np.uint16) * 257
    one = filters.bilateral(eight, diameter=5, colour=40.0, space=40.0)
    other = filters.bilateral(deep, diameter=5, colour=40.0, space=40.0)
    assert np.abs(one.astype(np.float64) - other / 257).max() < 1.5


@pytest.mark.parametrize("amount", [0.0, 0.5, 1.0])
def test_sharpening_is_a_convolution(amount: float) -> None:
    pixels = gray().astype(np.float64)
    expected = np.clip(pixels - amount * ndimage.convolve(pixels, LAPLACE, mode="mirror"), 0, 255)
    found = filters.sharpen(gray(), amount=amount)
    assert np.abs(found - expected).max() <= 0.51


def test_an_unsharp_mask_adds_what_a_blur_takes_away() -> None:
    pixels = gray().astype(np.float64)
    soft = ndimage.gaussian_filter(pixels, 2.0, mode="mirror", truncate=4.0)
    expected = np.clip(pixels + 0.8 * (pixels - soft), 0, 255)
    found = filters.unsharp(gray(), sigma=2.0, amount=0.8)
    assert np.abs(found - expected).mean() < 1.0
    assert (filters.unsharp(gray(), sigma=2.0, amount=0.0) == gray()).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_denoising_takes_noise_away_and_keeps_an_edge(channels: int) -> None:
    random = np.random.default_rng(1)
    shape = (40, 40) if channels == 1 else (40, 40, 3)
    clean = np.full(shape, 60, np.uint8)
    clean[:, 20:] = 180
    noisy = np.clip(clean + random.normal(0, 10, shape), 0, 255).astype(np.uint8)
    found = filters.denoise(noisy, strength=20.0, template=7, search=21).astype(np.float64)
    assert np.abs(found - clean).mean() < 0.4 * np.abs(noisy.astype(np.float64) - clean).mean()
    assert found[:, 22:].mean() - found[:, :18].mean() > 110


def test_sobel_is_the_length_of_scipys_gradient() -> None:
    pixels = gray().astype(np.float64)
    across, down = (ndimage.sobel(pixels, axis, mode="mirror") for axis in (1, 0))
    expected = np.clip(np.hypot(across, down), 0, 255)
    assert np.abs(edges.sobel(gray(), ksize=3) - expected).max() <= 0.51


def test_the_laplacian_is_scipys() -> None:
    pixels = gray().astype(np.float64)
    expected = np.clip(np.abs(ndimage.convolve(pixels, LAPLACE, mode="mirror")), 0, 255)
    assert np.abs(edges.laplacian(gray(), ksize=1) - expected).max() <= 0.51


@pytest.mark.parametrize("ksize", [3, 5])
def test_morphology_is_scipys(ksize: int) -> None:
    pixels, size = gray(), (ksize, ksize)
    grown = ndimage.grey_dilation(pixels, size)
    shrunk = ndimage.grey_erosion(pixels, size)
    expected = {
        morphology.erode: shrunk,
        morphology.dilate: grown,
        morphology.opened: ndimage.grey_dilation(shrunk, size),
        morphology.closed: ndimage.grey_erosion(grown, size),
        morphology.gradient: grown - shrunk,
        morphology.tophat: pixels - ndimage.grey_dilation(shrunk, size),
        morphology.blackhat: ndimage.grey_erosion(grown, size) - pixels,
    }
    for run, wanted in expected.items():
        found = run(pixels, ksize=ksize, shape="rectangle", times=1)
        assert (found == wanted).all(), run.__name__


def test_morphology_is_dilate_open_close() -> None:
    pixels, size = gray(), (5, 5)
    grown = ndimage.grey_dilation(pixels, size)
    opened = ndimage.grey_dilation(ndimage.grey_erosion(grown, size), size)
    expected = ndimage.grey_erosion(ndimage.grey_dilation(opened, size), size)
    assert (morphology.morphology(pixels, ksize=5, shape="rectangle", times=1) == expected).all()


def test_shapes_reach_as_far_as_they_are_drawn() -> None:
    point = np.zeros((11, 11), np.uint8)
    point[5, 5] = 9
    counts = {
        shape: int((morphology.dilate(point, ksize=5, shape=shape, times=1) > 0).sum())
        for shape in morphology.SHAPES
    }
    assert counts == {"rectangle": 25, "ellipse": 17, "cross": 9}
    twice = morphology.dilate(point, ksize=3, shape="rectangle", times=2)
    assert int((twice > 0).sum()) == 25


def test_photographs_keep_their_alpha_under_all_of_them() -> None:
    photo = next(iter(skimage_photos().values()))[:40, :40]
    alpha = np.arange(1600, dtype=np.uint8).reshape(40, 40)
    pixels = np.dstack([photo[..., :3], alpha])
    for found in (
        filters.sharpen(pixels, amount=1.0),
        filters.unsharp(pixels, sigma=1.0, amount=1.0),
        morphology.erode(pixels, ksize=3, shape="cross", times=1),
    ):
        assert (found[..., 3] == alpha).all()
