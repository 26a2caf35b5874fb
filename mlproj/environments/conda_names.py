"""What conda packages are called on PyPI, where the two differ.

Source: the mapping that grayskull keeps from conda-forge's recipes (https://github.com/conda/grayskull, published as
``grayskull_pypi_mapping.json`` in the conda-pypi package, MIT licence), of which the entries met in data science are
taken; names of the channels ``defaults``, ``pytorch``, ``nvidia`` and ``rapidsai``, which it does not cover, are from those
channels' own recipes. A name that stands nowhere here is the same on both sides, which is the rule.
"""

from __future__ import annotations

from dataclasses import dataclass

_RENAMED = """
airflow=apache-airflow allennlp-base=allennlp arch-py=arch bokeh-base=bokeh brotli-python=brotli
cmdstanpy-base=cmdstanpy cython-blis=blis dask-core=dask dask=dask[complete] datadotworld-py=datadotworld
docker-py=docker edgedb-python=edgedb faiss=faiss-cpu flatbuffers-python=flatbuffers freud=freud-analysis
geopandas-base=geopandas google-cloud-bigquery-core=google-cloud-bigquery googlesearch=google grpc-python=grpcio
h3-py=h3 holoviews-base=holoviews jax-base=jax keras-base=keras keras-gpu=keras lightning-base=lightning
lz4-python=lz4 matplotlib-base=matplotlib modin-all=modin[all] modin-core=modin modin-dask=modin[dask]
modin-ray=modin[ray] msgpack-python=msgpack neo4j-python-driver=neo4j onnxruntime-cpu=onnxruntime opencv=opencv-python
pandera-core=pandera panel-base=panel parquet-python=parquet polaris=polaris-lib prefect-base=prefect py-lief=lief
py-opencv=opencv-python py-xgboost-cpu=xgboost py-xgboost-gpu=xgboost py-xgboost=xgboost pyarrow-all=pyarrow
pyarrow-core=pyarrow pyg=torch-geometric pyjuliacall=juliacall pymc-base=pymc pyqt=pyqt5 pysoundfile=soundfile
pyspark-base=pyspark pytables=tables python-annoy=annoy python-blosc=blosc python-build=build
python-confluent-kafka=confluent-kafka python-duckdb=duckdb python-fastjsonschema=fastjsonschema
python-flatbuffers=flatbuffers python-graphviz=graphviz python-gssapi=gssapi python-hdfs=hdfs python-igraph=igraph
python-installer=installer python-isal=isal python-kaleido=kaleido python-kubernetes=kubernetes python-lmdb=lmdb
python-mss=mss python-node-semver=node-semver python-patch=patch python-sounddevice=sounddevice
python-substrait=substrait python-symengine=symengine python-tblib=tblib python-tzdata=tzdata python-wget=wget
python-xxhash=xxhash python-zlib-ng=zlib-ng python-zstd=zstd pytorch-cluster=torch-cluster pytorch-cpu=torch
pytorch-gpu=torch pytorch-scatter=torch-scatter pytorch-sparse=torch-sparse pytorch-spline-conv=torch-spline-conv
pytorch=torch pytorch_cluster=torch-cluster pytorch_geometric=torch-geometric pytorch_scatter=torch-scatter
pytorch_sparse=torch-sparse pytorch_spline_conv=torch-spline-conv qtconsole-base=qtconsole ray-all=ray[all]
ray-core=ray ray-data=ray[data] ray-default=ray[default] ray-rllib=ray[rllib] ray-serve=ray[serve]
ray-train=ray[train] ray-tune=ray[tune] redis-py=redis seaborn-base=seaborn segment-anything=segment-anything-py
sklearn=scikit-learn sktime-all-extras=sktime[all_extras] soxr-python=soxr sphinx-releases=releases
superset=apache-superset tensorflow-base=tensorflow tensorflow-cpu=tensorflow tensorflow-eigen=tensorflow
tensorflow-gpu-base=tensorflow tensorflow-gpu=tensorflow tensorflow-mkl=tensorflow textblob-base=textblob
tiledb-py=tiledb torchvision-cpu=torchvision torchvision-gpu=torchvision trino-python-client=trino
uvicorn-standard=uvicorn[standard] wgpu-py=wgpu
"""

# Programs and languages that no index of Python packages has, with the program that shows they are on this machine.
_PROGRAMS = """
nodejs=node openjdk=java git=git git-lfs=git-lfs make=make cmake=cmake ninja=ninja graphviz=dot pandoc=pandoc curl=curl
wget=wget unzip=unzip zip=zip tar=tar rsync=rsync openssh=ssh ffmpeg=ffmpeg imagemagick=convert tesseract=tesseract
poppler=pdftotext ghostscript=gs texlive-core=pdflatex tectonic=tectonic julia=julia rust=rustc go=go maven=mvn sbt=sbt
scala=scala gradle=gradle perl=perl ruby=ruby php=php bash=bash zsh=zsh vim=vim nano=nano tmux=tmux screen=screen htop=htop jq=jq
parallel=parallel postgresql=psql mysql=mysql redis=redis-server redis-server=redis-server mongodb=mongod nginx=nginx
docker-compose=docker-compose kubernetes-client=kubectl terraform=terraform awscli-v2=aws samtools=samtools bcftools=bcftools
bedtools=bedtools blast=blastn bwa=bwa bowtie2=bowtie2 hisat2=hisat2 star=STAR fastqc=fastqc trimmomatic=trimmomatic
gdal-bin=gdalinfo swig=swig bazel=bazel doxygen=doxygen geckodriver=geckodriver firefox=firefox chromedriver=chromedriver
sox=sox flac=flac aria2=aria2c minio-server=minio spark=spark-submit hadoop=hadoop gh=gh nvtop=nvtop tree=tree p7zip=7z
yarn=yarn pnpm=pnpm typescript=tsc deno=deno bun=bun lua=lua octave=octave coincbc=cbc coin-or-cbc=cbc glpk=glpsol ipopt-bin=ipopt
"""

# Python packages that PyPI either lacks or carries under one name per CUDA release, so that no one of them is right.
_NOT_ON_PYPI = """
cudf cuml cugraph cupy cuspatial cuxfilter cusignal dask-cudf dask-cuda rmm rapids rapidsai blazingsql nvstrings raft-dask
ucx-py pylibraft pylibcugraph cucim h2o4gpu pymol-open-source openmm ambertools psi4 rdkit-postgresql pygraphistry-gpu
paraview fenics dolfin fenics-dolfinx root pythonocc-core freecad gnuradio sage cling xeus-cling
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


# Sources: the wheels' own METADATA on PyPI (no Requires-Dist in scikit-learn 0.18 and 0.19 or torch 1.0 to 1.4, none on
# scipy in statsmodels 0.9) against the run requirements in the recipes of conda-forge's feedstocks for the same packages.
IMPLIED = (
    Implied("scikit-learn", ("numpy", "scipy"), "0.20", "wheels of scikit-learn before 0.20 do not declare them"),
    Implied("statsmodels", ("scipy",), "0.10", "wheels of statsmodels before 0.10 do not declare it"),
    Implied("torch", ("numpy",), None, "conda's pytorch brings it, the wheel need not"),
    Implied("xgboost", ("scikit-learn",), None, "conda's xgboost brings it, the wheel does not"),
    Implied("seaborn", ("statsmodels",), None, "conda's seaborn brings it, the wheel does not"),
)
