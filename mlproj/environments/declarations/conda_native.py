"""Conda packages that have no part in an environment made of wheels: native libraries, compilers, conda itself.

A wheel carries the native libraries it needs (PEP 513, PEP 600: manylinux), so conda's packages of them are left out.
The names are those of libraries and tools on the channels ``defaults`` and ``conda-forge``, as ``conda env export``
lists them. They are checked against grayskull's mapping of conda's Python packages (see conda_names): no name or
pattern here hides one of those, but for conda's own tools and ``sip``, which PyQt's wheels bring.
"""

from __future__ import annotations

import re

NATIVE = "native libraries that wheels contain"
COMPILER = "compilers and build tools"
GPU = "GPU libraries that wheels contain or the driver brings"
CONDA = "packages of conda itself"
PART = "parts of packages that PyPI has whole"
OPTIONAL = "accelerators that the wheels do without"

_NATIVE = """
abseil-cpp alsa-lib aom arpack arrow-cpp at-spi2-atk at-spi2-core atk atk-1.0 attr aws-c-auth aws-c-cal aws-c-common
aws-c-compression aws-c-event-stream aws-c-http aws-c-io aws-c-mqtt aws-c-s3 aws-c-sdkutils aws-checksums aws-crt-cpp
aws-sdk-cpp azure-core-cpp azure-identity-cpp azure-storage-blobs-cpp azure-storage-common-cpp
azure-storage-files-datalake-cpp blas blis blosc boost boost-cpp brotli brotli-bin brunsli bzip2 c-ares c-blosc2
ca-certificates cairo capnproto ceres-solver cfitsio cgal charls cmocka coin-or-clp coin-or-utils cpp-expected
cyrus-sasl dav1d dbus dlpack double-conversion eigen elfutils epoxy expat fftw fmt fontconfig fonts-anaconda
fonts-conda-ecosystem fonts-conda-forge freeglut freetype freexl fribidi gdk-pixbuf geos geotiff gettext gettext-tools
gflags giflib glib glib-tools glog gmp gnutls googletest gperftools graphite2 grpc-cpp gsl gst-plugins-base
gst-plugins-good gstreamer gstreamer-orc gtest gtk2 gtk3 harfbuzz hdf4 hdf5 hicolor-icon-theme icc_rt icu intel-openmp
isl jansson jasper jbig jemalloc jpeg json-c jsoncpp jxrlib kealib keyutils krb5 lame lcms2 leptonica lerc level-zero
leveldb llvm llvm-openmp lmdb lpsolve55 lz4-c lzo metis minizip mkl mkl-devel mkl-include mpc mpfr mpg123 mpi mpich
msmpi mumps-include mumps-seq mysql-common mysql-libs ncurses netcdf nettle nlohmann_json nsight-compute nspr nss
ocl-icd oneccl-devel onednn openblas openblas-devel opencl-headers openexr openh264 openjpeg openldap openlibm openmpi
openssl opus orc p11-kit pango parquet-cpp pcre pcre2 pixman poppler-data popt portaudio postgresql-libs proj proj4
prometheus-cpp pthread-stubs pugixml pulseaudio pulseaudio-client qhull qt qt-main qt-webengine qt5compat qt6-main
qtbase qtdeclarative qtsvg qttools qtwebchannel qtwebkit qtwebsockets rapidjson rav1e rdma-core re2 readline rocksdb s2n
scalapack scotch sdl2 simdjson sip sleef snappy spdlog spirv-tools sqlite suitesparse svt-av1 sysroot tbb tbb-devel tcl
thrift-compiler thrift-cpp tiledb tinyxml2 tk tktable tzcode tzdata tzdata-native ucx umfpack unixodbc uriparser utf8cpp
utf8proc vtk-m wayland wayland-protocols winpty x264 x265 xerces-c xkeyboard-config xsimd xtensor xtl xxhash xz
xz-gpl-tools xz-tools yaml yaml-cpp zeromq zfp zlib zlib-ng zstd zziplib
"""
_COMPILER = """
autoconf automake binutils bison c-compiler ccache cctools clang clang-format clang-tools clangdev clangxx compilers
cross-python cxx-compiler flex fortran-compiler gcc gdb gfortran gxx ld64 libtool lld llvm-tools llvmdev m4 nasm nvcc
patch patchelf pkg-config pkgconf posix yasm
"""
_GPU = """
cpuonly cuda cudatoolkit cudatoolkit-dev cudnn cusparselt cutensor gds-tools magma nccl nvtx-c pytorch-cuda
pytorch-mutex
"""
_CONDA = """
anaconda-anon-usage anaconda-auth anaconda-cli-base anaconda-client anaconda-cloud-auth anaconda-navigator
anaconda-project anaconda_powershell_prompt backports boa clyent conda conda-build conda-content-trust conda-env
conda-index conda-libmamba-solver conda-lock conda-pack conda-package-handling conda-package-streaming conda-repo-cli
conda-token conda-tree conda-verify console_shortcut console_shortcut_miniconda constructor get_terminal_size mamba
menuinst micromamba navigator-updater powershell_shortcut powershell_shortcut_miniconda pycosat pypi python-abi
python.app python_abi
"""
_PART = """
nomkl numpy-base pyqt-impl pyqt5-sip pyqtchart pyqtwebengine
"""
_OPTIONAL = (
    "mkl-service mkl_fft mkl_random mkl-fft mkl-random mkl_umath icc-rt daal4py daal dal intelpython intelpython3_core"
    " tbb4py"
)

_REASONS = {
    name: reason
    for reason, names in (
        (NATIVE, _NATIVE),
        (COMPILER, _COMPILER),
        (GPU, _GPU),
        (CONDA, _CONDA),
        (PART, _PART),
        (OPTIONAL, _OPTIONAL),
    )
    for name in names.split()
}

_PATTERNS = (
    (re.compile(r"_"), NATIVE),  # _libgcc_mutex, _openmp_mutex, _tflow_select
    (re.compile(r".*_(?:linux|win|osx)-(?:\d+|arm64|aarch64|ppc64le)$"), COMPILER),  # gcc_linux-64, ld_impl_linux-64
    (
        re.compile(
            r"(?:gcc|gxx|gfortran|clang|clangxx|binutils|sysroot|kernel-headers|cctools|ld64|compiler-rt|llvm-?\d*)(?:[-_].*|\d*$)"
        ),
        COMPILER,
    ),
    (
        re.compile(r"(?:vc|vs\d{4}_.+|vc\d+.*|vcomp.*|ucrt|m2-.*|m2w64-.*|msys2-.*|windows-.*-runtime)$"),
        "runtime libraries of Windows",
    ),
    (re.compile(r"(?:cuda|cudatoolkit|cudnn|nccl|nvidia|cutensor)-(?!python$|bindings$|core$|ml-py).*"), GPU),
    (re.compile(r"(?:xorg|font-ttf|fonts|gst|aws-c|mysql-lib|perl|libboost|boost)-.*"), NATIVE),
    (re.compile(r".*-(?:ng|cpp|mutex)$"), NATIVE),
)
# Python packages whose names begin like a native library.
_PYTHON_LIB_NAMES = """
lib3to6 libais libarchive-c libclang libcloudspawner libconeangle libcst libdlf libdlfind libertem libertem-asi-tpx3
libertem-blobfinder libertem-dectris libertem-live libhxl libipld liblinear liblinear-official libmambapy libnacl
libneuroml libpymcr libpysal librosa libsass libstempo libsvm libsvm-official libsvm-python libsvmdata libtmux
libtorrent libusb-package libusb1 libwapiti
"""
_PYTHON_LIB = frozenset(_PYTHON_LIB_NAMES.split())
_PYTHON_OTHER_NAMES = """
animatplot-ng awkward-cpp backports-zoneinfo bc-jsonpath-ng boost-histogram cuda-python jsonpath-ng kafka-python-ng
nvidia-ml nvidia-ml-py pykube-ng pyload-ng pytest-cpp python-zlib-ng
"""
_PYTHON_OTHER = frozenset(_PYTHON_OTHER_NAMES.split())


def reason_to_skip(name: str) -> str | None:
    """Why the conda package *name* (lower case) is left out: one of this module's reasons. None: it is not."""
    if name in _REASONS:
        return _REASONS[name]
    if name in _PYTHON_LIB or name in _PYTHON_OTHER:
        return None
    if name.startswith("lib"):
        return NATIVE
    return next((reason for pattern, reason in _PATTERNS if pattern.match(name)), None)
