"""What a file is that is not an image we read, by its first bytes, and what to do about it."""

import struct
from collections.abc import Iterator, Mapping

from labelcycle.core.counted_nouns import counted
from labelcycle.decoding import heif

_EXPORT = "export it as PNG or TIFF"
_UNPACK = "unpack it and ingest the folder"
_STILLS = "save single frames as PNG or JPEG"

_STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "a Git LFS pointer in the place of the file", "`git lfs pull`"),
    (b"/annex/objects/", "a git-annex pointer in the place of the file", "`git annex get`"),
    (b"%PDF", "a PDF", "export its pages as PNG"),
    (b"%!PS", "PostScript", _EXPORT),
    (b"\xc5\xd0\xd3\xc6", "PostScript", _EXPORT),
    (b"8BPS", "a Photoshop file", _EXPORT),
    (b"gimp xcf", "a GIMP file", _EXPORT),
    (b"\xff\x0a", "JPEG XL", _EXPORT),
    (b"\0\0\0\x0cJXL ", "JPEG XL", _EXPORT),
    (b"II\xbc", "JPEG XR", _EXPORT),
    (b"v/1\x01", "OpenEXR", _EXPORT),
    (b"\0\0\1\0", "an icon (ICO)", _EXPORT),
    (b"\0\0\2\0\0\0\0\0", "a Targa file (TGA), as it looks", _EXPORT),
    (b"\0\0\3\0\0\0\0\0", "a Targa file (TGA), as it looks", _EXPORT),
    (b"\0\0\n\0\0\0\0\0", "a Targa file (TGA), as it looks", _EXPORT),
    (b"\0\0\2\0", "a cursor of Windows (CUR)", "leave it out"),
    (b"#?RADIANCE", "Radiance HDR", _EXPORT),
    (b"#?RGBE", "Radiance HDR", _EXPORT),
    (b"DDS ", "a DirectDraw surface (DDS)", _EXPORT),
    (b"qoif", "QOI", _EXPORT),
    (b"\xd7\xcd\xc6\x9a", "a Windows metafile (WMF)", _EXPORT),
    *((bytes([10, version, 1]), "PCX", _EXPORT) for version in (0, 2, 3, 4, 5)),
    (b"\x01\xda", "an image of SGI", _EXPORT),
    (b"\x59\xa6\x6a\x95", "a Sun raster image", _EXPORT),
    (b"FLIF", "FLIF", _EXPORT),
    (b"BPG\xfb", "BPG", _EXPORT),
    (b"\x8aMNG", "a video (MNG)", _STILLS),
    (b"icns", "icons of macOS (ICNS)", "leave it out"),
    (b"L\0\0\0\1\x14\2\0", "a shortcut of Windows", "give the path of what it leads to"),
    (b"AT&TFORM", "DjVu", _EXPORT),
    (b"FUJIFILMCCD-RAW", "a camera's raw file (RAF)", "export it as JPEG or TIFF"),
    (b"IIU\0", "a camera's raw file (RW2)", "export it as JPEG or TIFF"),
    (b"IIRO", "a camera's raw file (ORF)", "export it as JPEG or TIFF"),
    (b"SIMPLE  =", "FITS", _EXPORT),
    (b"\x89HDF", "HDF5", _EXPORT),
    (b"\x93NUMPY", "a NumPy array", _EXPORT),
    (b"MATLAB 5.0", "a MATLAB file", _EXPORT),
    (b"PK\3\4", "a ZIP archive", _UNPACK),
    (b"PK\5\6", "an empty ZIP archive", "give the path of images"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    (b"\x1f\x8b", "a gzip file", _UNPACK),
    (b"BZh", "a bzip2 file", _UNPACK),
    (b"\xfd7zXZ", "an xz file", _UNPACK),
    (b"(\xb5/\xfd", "a Zstandard file", _UNPACK),
    (b"\x1aE\xdf\xa3", "a video (Matroska or WebM)", _STILLS),
    (b"\0\0\1\xba", "a video (MPEG)", _STILLS),
    (b"\0\0\1\xb3", "a video (MPEG)", _STILLS),
    (b"FLV\1", "a video (FLV)", _STILLS),
    (b"\xd0\xcf\x11\xe0", "an Office file or Thumbs.db of Windows", "leave it out"),
    (b"\0\5\x16\7", "macOS's extra data of a file (._NAME)", "leave it out"),
    (b"\0\0\0\1Bud1", "a .DS_Store of macOS", "leave it out"),
)

_INSIDE: tuple[tuple[int, bytes, str, str], ...] = (
    (8, b"AVI ", "a video (AVI)", _STILLS),
    (40, b" EMF", "a Windows metafile (EMF)", _EXPORT),
    (128, b"DICM", "DICOM", "export it as PNG or TIFF of 16 bits"),
    (257, b"ustar", "a tar archive", _UNPACK),
    (344, b"n+1\0", "NIfTI", "export its slices as PNG or TIFF of 16 bits"),
)

_OF_FOLDERS = ("[.shellclassinfo]", "[localizedfilenames]", "[viewstate]")
"""With these a desktop.ini begins, in small letters."""

RAW = "a camera's raw file, whose first picture is a small preview; export it as JPEG or TIFF"

_SIZES = {1: "B", 3: "H", 4: "I"}
"""TIFF types of whole numbers: byte, short, long."""


def named(data: bytes) -> str | None:
    """What `data` is and what to do, for a quarantine; None if nothing tells."""
    for start, what, todo in _STARTS:
        if data.startswith(start):
            return f"{what}; {todo}"
    for place, mark, what, todo in _INSIDE:
        if data[place : place + len(mark)] == mark:
            return f"{what}; {todo}"
    if data.endswith(b"TRUEVISION-XFILE.\0"):
        return f"a Targa file (TGA); {_EXPORT}"
    if data[4:8] == b"ftyp":
        if data[8:11] == b"crx":
            return "a camera's raw file (CR3); export it as JPEG or TIFF"
        known = data[8:12] in (b"avif", b"avis", b"jp2 ") or data[8:12] in heif.BRANDS
        return None if known else f"a video (MP4 or QuickTime); {_STILLS}"
    if data[:4] in (b"II*\0", b"MM\0*"):
        return _tiff(data)
    if not data.strip(b"\0"):
        return "only zero bytes, as a copy that failed leaves them; copy it again"
    return _text(data[:1024])


def is_raw(data: bytes) -> bool:
    """True for a camera's raw file that is a TIFF: its first picture is a preview."""
    if data[:4] not in (b"II*\0", b"MM\0*"):
        return False
    if data[8:10] == b"CR":  # Canon
        return True
    tags = _tags(data)
    preview = tags.get(254, (0,))[0] & 1 == 1 and 330 in tags  # the real one is in a SubIFD
    return 50706 in tags or preview  # DNGVersion


def _tiff(data: bytes) -> str | None:
    """The kind of pixels of a TIFF that Pillow does not know."""
    tags = _tags(data)
    if 258 not in tags:
        return None
    bits, bands = max(tags[258]), tags.get(277, (1,))[0]
    form = {1: " unsigned", 2: " signed", 3: " float"}.get(tags.get(339, (1,))[0], "")
    order = ", big-endian" if data[:2] == b"MM" else ""
    packed = tags.get(259, (1,))[0]
    return (
        f"a TIFF of {counted(bands, 'band')} of {bits} bits{form}{order}"
        f" (compression {packed}), which is not read; wanted 8 or 16 bits in 1, 3 or 4 bands, or"
        " one band of 32 bits (unsigned ones little-endian); convert it"
    )


def _tags(data: bytes) -> Mapping[int, tuple[int, ...]]:
    """The tags of whole numbers in the first directory of a TIFF, at most 16 values of each."""
    return dict(_read_tags(data, "<" if data[:1] == b"I" else ">"))


def _read_tags(data: bytes, order: str) -> Iterator[tuple[int, tuple[int, ...]]]:
    try:
        (place,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, place)
        for entry in range(place + 2, place + 2 + 12 * count, 12):
            tag, kind, length = struct.unpack_from(f"{order}HHI", data, entry)
            if kind not in _SIZES or not length:
                continue
            form = f"{order}{min(length, 16)}{_SIZES[kind]}"
            inside = struct.calcsize(_SIZES[kind]) * length <= 4
            at = entry + 8 if inside else struct.unpack_from(f"{order}I", data, entry + 8)[0]
            yield tag, struct.unpack_from(form, data, at)
    except struct.error:  # cut off: what was read so far is all there is
        return


def _text(head: bytes) -> str | None:
    """What text it is; None for anything else."""
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = head.decode(encoding, "strict" if len(head) < 1024 else "ignore")
    except UnicodeDecodeError:
        return None
    if not all(letter.isprintable() or letter.isspace() for letter in text):
        return None
    start = text.lstrip().lower()
    if "<svg" in start:
        return "an SVG drawing; export it as PNG"
    if start.startswith(("<!doctype html", "<html")):
        return "a web page, perhaps a login or an error in the place of the image; fetch it again"
    if start.startswith("<?xml"):
        return "XML; give the path of images"
    if start.startswith(_OF_FOLDERS):
        return "a desktop.ini of Windows; leave it out"
    return "text; a list of paths is given as @LIST"
