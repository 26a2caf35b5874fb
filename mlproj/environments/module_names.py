"""Which package an imported module comes from, where the two differ in name.

Source: the top-level modules in the wheels of these packages on PyPI (``top_level.txt`` or ``RECORD``); of several packages
with one module the one that its authors recommend. What stands nowhere here has the same name on both sides.
"""

from __future__ import annotations

import sys

_NAMES = """
Bio=biopython Crypto=pycryptodome Cryptodome=pycryptodomex Image=pillow Levenshtein=levenshtein MySQLdb=mysqlclient
OpenSSL=pyopenssl PIL=pillow PyPDF2=pypdf2 Xlib=python-xlib absl=absl-py airflow=apache-airflow apache_beam=apache-beam attr=attrs
ax=ax-platform azureml=azureml-core bs4=beautifulsoup4 bson=pymongo cairo=pycairo can=python-can
category_encoders=category-encoders community=python-louvain cpuinfo=py-cpuinfo cv2=opencv-python
dash_bootstrap_components=dash-bootstrap-components dateutil=python-dateutil dbus=dbus-python delta=delta-spark discord=discord.py
dns=dnspython docx=python-docx dotenv=python-dotenv editor=python-editor efficientnet_pytorch=efficientnet-pytorch
engineio=python-engineio faiss=faiss-cpu ffmpeg=ffmpeg-python fitz=pymupdf flask_cors=flask-cors flask_sqlalchemy=flask-sqlalchemy
fontTools=fonttools gi=pygobject git=gitpython github=pygithub gitlab=python-gitlab google_auth_oauthlib=google-auth-oauthlib
googleapiclient=google-api-python-client great_expectations=great-expectations grpc=grpcio grpc_status=grpcio-status
gym_super_mario_bros=gym-super-mario-bros haiku=dm-haiku haystack=haystack-ai huggingface_hub=huggingface-hub hydra=hydra-core
igraph=python-igraph imblearn=imbalanced-learn jose=python-jose jwt=pyjwt kafka=kafka-python
kaggle_environments=kaggle-environments langchain_community=langchain-community langchain_core=langchain-core
langchain_openai=langchain-openai ldap=python-ldap lightning_fabric=lightning llama_cpp=llama-cpp-python magic=python-magic
memcache=python-memcached mlflow_skinny=mlflow-skinny mpl_toolkits=matplotlib mysql=mysql-connector-python nacl=pynacl osgeo=gdal
pandas_profiling=pandas-profiling pkg_resources=setuptools pl_bolts=lightning-bolts pptx=python-pptx prefect_aws=prefect-aws
prometheus_client=prometheus-client psycopg2=psycopg2-binary pylab=matplotlib pythoncom=pywin32
pytorch_lightning=pytorch-lightning pytorch_tabnet=pytorch-tabnet pywt=pywavelets qdrant_client=qdrant-client
rest_framework=djangorestframework ruamel=ruamel.yaml scikitplot=scikit-plot
segmentation_models_pytorch=segmentation-models-pytorch sentence_transformers=sentence-transformers sentry_sdk=sentry-sdk
serial=pyserial skimage=scikit-image sklearn=scikit-learn sklearn_pandas=sklearn-pandas skopt=scikit-optimize
slugify=python-slugify snowflake=snowflake-connector-python socketio=python-socketio socks=pysocks sonnet=dm-sonnet
speech_recognition=speechrecognition streamlit_option_menu=streamlit-option-menu surprise=scikit-surprise
telegram=python-telegram-bot tensorflow_addons=tensorflow-addons tensorflow_datasets=tensorflow-datasets
tensorflow_hub=tensorflow-hub tensorflow_probability=tensorflow-probability tensorflow_text=tensorflow-text tf_keras=tf-keras
tlz=toolz torch_geometric=torch-geometric torch_scatter=torch-scatter torch_sparse=torch-sparse tree=dm-tree
typing_extensions=typing-extensions umap=umap-learn usb=pyusb vertexai=google-cloud-aiplatform websocket=websocket-client
whisper=openai-whisper win32api=pywin32 win32com=pywin32 wx=wxpython xdg=pyxdg yaml=pyyaml ydata_profiling=ydata-profiling
zmq=pyzmq zope=zope.interface
"""
# A namespace that many packages share; the longest name that fits decides.
_SPACES = {
    "google.cloud.storage": "google-cloud-storage",
    "google.cloud.bigquery": "google-cloud-bigquery",
    "google.cloud.aiplatform": "google-cloud-aiplatform",
    "google.cloud.pubsub_v1": "google-cloud-pubsub",
    "google.cloud.pubsub": "google-cloud-pubsub",
    "google.cloud.logging": "google-cloud-logging",
    "google.cloud.secretmanager": "google-cloud-secret-manager",
    "google.cloud.firestore": "google-cloud-firestore",
    "google.cloud.vision": "google-cloud-vision",
    "google.protobuf": "protobuf",
    "google.auth": "google-auth",
    "google.oauth2": "google-auth",
    "google.api_core": "google-api-core",
    "google.generativeai": "google-generativeai",
    "google.genai": "google-genai",
    "azure.storage.blob": "azure-storage-blob",
    "azure.identity": "azure-identity",
    "azure.keyvault.secrets": "azure-keyvault-secrets",
    "azure.ai.ml": "azure-ai-ml",
    "azure.core": "azure-core",
    "azureml.mlflow": "azureml-mlflow",
    "snowflake.snowpark": "snowflake-snowpark-python",
    "databricks.sdk": "databricks-sdk",
    "databricks.sql": "databricks-sql-connector",
    "databricks.connect": "databricks-connect",
}
# Namespaces of which no one package can be meant; and what a notebook server or the interpreter itself provides.
UNKNOWN = frozenset({"google", "google.cloud", "azure", "databricks", "databricks.feature_store", "dbutils", "oauth2client.client"})

# Modules that older Pythons had (PEP 594 and the 2-to-3 renames); sys.stdlib_module_names lists the running one's.
_OLD_STDLIB = """
BaseHTTPServer ConfigParser Cookie HTMLParser Queue SimpleHTTPServer SocketServer StringIO Tkinter UserDict UserList UserString
__builtin__ __future__ __main__ _typeshed aifc anydbm asynchat asyncore audioop binhex bsddb cPickle cStringIO cgi cgitb chunk
contextvars cookielib crypt dataclasses distutils dummy_thread dummy_threading exceptions formatter future_builtins graphlib
htmlentitydefs httplib imghdr imp importlib lib2to3 macpath mailcap md5 msilib nis nntplib ossaudiodev parser pipes pydoc_data
robotparser sets sha smtpd sndhdr spwd sunau symbol telnetlib thread tkFileDialog tkMessageBox tomllib typing urllib2 urlparse uu
xdrlib xmlrpclib zoneinfo
"""

_BY_MODULE = dict(pair.split("=", 1) for pair in _NAMES.split())
_STDLIB = frozenset(sys.stdlib_module_names) | frozenset(_OLD_STDLIB.split())


def is_stdlib(module: str) -> bool:
    """Whether the top-level name of *module* belongs to some Python's standard library."""
    return module.partition(".")[0] in _STDLIB


def package_for(module: str) -> str:
    """The PyPI package that *module* (dotted) comes from: ``sklearn.svm`` → ``scikit-learn``."""
    parts = module.split(".")
    for length in range(len(parts), 1, -1):
        space = ".".join(parts[:length])
        if space in _SPACES:
            return _SPACES[space]
    if parts[:2] == ["google", "cloud"] and len(parts) > 2:
        return f"google-cloud-{parts[2].replace('_', '-')}"
    return _BY_MODULE.get(parts[0], parts[0])


def has_spaces(top: str) -> bool:
    """Whether packages of different names share the top-level module *top*."""
    return top in ("google", "azure", "azureml", "snowflake", "databricks")
