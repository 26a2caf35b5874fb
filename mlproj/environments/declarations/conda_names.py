"""What conda packages are called on PyPI, where the two differ.

Source: where grayskull's mapping knows a name, this table agrees with it (https://github.com/conda/grayskull, published
as ``grayskull_pypi_mapping.json`` in the conda-pypi package 0.13, MIT licence; about half of the entries). The others
are flavours that it does not list (``-cpu``, ``-gpu``, ``-core``, ``-base`` and parts of Ray and Modin), and names of
the channels ``defaults``, ``pytorch`` and ``pyg``. ``opencv``, for which the mapping gives several, becomes
opencv-python, which opens windows as conda's does. A name that stands nowhere here is the same on both sides, which is
the rule.
"""

from __future__ import annotations

from dataclasses import dataclass

_RENAMED = """
airflow=apache-airflow arch-py=arch brotli-python=brotli cython-blis=blis dask-core=dask dask=dask[complete]
datadotworld-py=datadotworld docker-py=docker edgedb-python=edgedb faiss=faiss-cpu freud=freud-analysis
geopandas-base=geopandas googlesearch=google h3-py=h3 keras-base=keras keras-gpu=keras libsvm-python=libsvm
matplotlib-base=matplotlib modin-all=modin[all] modin-core=modin modin-dask=modin[dask] modin-ray=modin[ray]
msgpack-python=msgpack neo4j-python-driver=neo4j nvidia-ml=nvidia-ml-py3 opencv=opencv-python pandera-core=pandera
parquet-python=parquet polaris=polaris-lib py-opencv=opencv-python py-xgboost-cpu=xgboost py-xgboost-gpu=xgboost
py-xgboost=xgboost pyarrow-all=pyarrow pyarrow-core=pyarrow pyg=torch-geometric pyjuliacall=juliacall pymc-base=pymc
pyqt=pyqt5 pysoundfile=soundfile pytables=tables python-annoy=annoy python-blosc=blosc python-build=build
python-duckdb=duckdb python-fastjsonschema=fastjsonschema python-flatbuffers=flatbuffers python-graphviz=graphviz
python-gssapi=gssapi python-hdfs=hdfs python-igraph=igraph python-installer=installer python-isal=isal
python-kubernetes=kubernetes python-libarchive-c=libarchive-c python-lmdb=lmdb python-mss=mss
python-node-semver=node-semver python-patch=patch python-sounddevice=sounddevice python-substrait=substrait
python-symengine=symengine python-tzdata=tzdata python-wget=wget python-xxhash=xxhash python-zlib-ng=zlib-ng
python-zstd=zstd pytorch-cluster=torch-cluster pytorch-cpu=torch pytorch-gpu=torch pytorch-scatter=torch-scatter
pytorch-sparse=torch-sparse pytorch-spline-conv=torch-spline-conv pytorch=torch pytorch_cluster=torch-cluster
pytorch_geometric=torch-geometric pytorch_scatter=torch-scatter pytorch_sparse=torch-sparse
pytorch_spline_conv=torch-spline-conv qtconsole-base=qtconsole ray-all=ray[all] ray-core=ray ray-data=ray[data]
ray-default=ray[default] ray-rllib=ray[rllib] ray-serve=ray[serve] ray-train=ray[train] ray-tune=ray[tune]
redis-py=redis seaborn-base=seaborn segment-anything=segment-anything-py sklearn=scikit-learn
sktime-all-extras=sktime[all_extras] soxr-python=soxr sphinx-releases=releases superset=apache-superset
tensorflow-base=tensorflow tensorflow-cpu=tensorflow tensorflow-eigen=tensorflow tensorflow-gpu-base=tensorflow
tensorflow-gpu=tensorflow tensorflow-mkl=tensorflow tiledb-py=tiledb torchvision-cpu=torchvision
torchvision-gpu=torchvision trino-python-client=trino uvicorn-standard=uvicorn[standard] wgpu-py=wgpu
"""

# Programs and languages that no index of Python packages has, with the program that shows they are on this machine.
_PROGRAMS = """
aria2=aria2c bash=bash bazel=bazel bcftools=bcftools bedtools=bedtools blast=blastn bowtie2=bowtie2 bun=bun bwa=bwa
chromedriver=chromedriver cmake=cmake coin-or-cbc=cbc coincbc=cbc curl=curl deno=deno docker-compose=docker-compose
doxygen=doxygen fastqc=fastqc ffmpeg=ffmpeg firefox=firefox flac=flac geckodriver=geckodriver gh=gh ghostscript=gs
git-lfs=git-lfs git=git glpk=glpsol go=go gradle=gradle graphviz=dot hadoop=hadoop hisat2=hisat2 htop=htop
imagemagick=convert jq=jq julia=julia kubernetes-client=kubectl lua=lua make=make maven=mvn minio-server=minio
mongodb=mongod mysql=mysql nano=nano nginx=nginx ninja=ninja nodejs=node nvtop=nvtop octave=octave openjdk=java
openssh=ssh p7zip=7z pandoc=pandoc parallel=parallel perl=perl php=php pnpm=pnpm poppler=pdftotext postgresql=psql
redis-server=redis-server redis=redis-server rsync=rsync ruby=ruby rust=rustc samtools=samtools sbt=sbt scala=scala
screen=screen sox=sox spark=spark-submit star=STAR swig=swig tar=tar tectonic=tectonic terraform=terraform
tesseract=tesseract texlive-core=pdflatex tmux=tmux tree=tree trimmomatic=trimmomatic typescript=tsc unzip=unzip vim=vim
wget=wget yarn=yarn zip=zip zsh=zsh
"""

# Python packages that PyPI either lacks or carries under one name per CUDA release, so that no one of them is right.
_NOT_ON_PYPI = """
ambertools blazingsql cling cucim cudf cugraph cuml cupy cusignal cuspatial cuxfilter dask-cuda dask-cudf dolfin fenics
fenics-dolfinx freecad gnuradio h2o4gpu nvstrings openmm paraview psi4 pylibcugraph pylibraft pymol-open-source
pythonocc-core raft-dask rapids rapidsai rmm root sage ucx-py xeus-cling
"""

# Metapackages stand for a set.
_SETS = {
    "anaconda": "numpy scipy pandas matplotlib scikit-learn seaborn statsmodels sympy requests pyyaml tqdm ipython",
    "pydata": "numpy scipy pandas matplotlib",
}

_PYPI = dict(pair.split("=", 1) for pair in _RENAMED.split())
_PROGRAM_OF = dict(pair.split("=", 1) for pair in _PROGRAMS.split())
_ABSENT = frozenset(_NOT_ON_PYPI.split())


def pypi_name(name: str) -> str:
    """The PyPI name, with extras where they make the difference, of the conda package *name* (lower case)."""
    return _PYPI.get(name, name)


def program(name: str) -> str | None:
    """The program that the conda package *name* brings, when it brings no Python package."""
    if name == "r" or name.startswith(("r-", "bioconductor-")):
        return "Rscript"
    return _PROGRAM_OF.get(name)


def is_absent(name: str) -> bool:
    """Whether the conda package *name* is Python, but has no twin on PyPI."""
    return name in _ABSENT


def members(name: str) -> tuple[str, ...]:
    """The PyPI names that a metapackage stands for; empty for everything else."""
    return tuple(_SETS.get(name, "").split())


@dataclass(frozen=True)
class Implied:
    """Conda's *name* brings packages that its wheels do not declare, up to (not including) version *below*."""

    name: str
    brings: tuple[str, ...]
    below: str | None
    why: str


# Sources: what uv resolves for the wheels on PyPI (scikit-learn 0.18 and 0.19 and torch 1.0 to 1.4 ask for nothing,
# statsmodels 0.9 not for scipy, xgboost 0.80 and seaborn 0.9 not for what is named here), against the recipes of
# conda-forge's
# feedstocks xgboost, seaborn and pytorch-cpu (where numpy is a run requirement through its run_exports).
IMPLIED = (
    Implied("scikit-learn", ("numpy", "scipy"), "0.20", "wheels of scikit-learn before 0.20 do not declare them"),
    Implied("statsmodels", ("scipy",), "0.10", "wheels of statsmodels before 0.10 do not declare it"),
    Implied("torch", ("numpy",), None, "conda's pytorch brings it, the wheel need not"),
    Implied("xgboost", ("scikit-learn",), None, "conda's xgboost brings it, the wheel does not"),
    Implied("seaborn", ("statsmodels",), None, "conda's seaborn brings it, the wheel does not"),
)
