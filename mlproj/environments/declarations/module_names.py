"""Which package an imported module comes from, where the two differ in name.

The table is written by hand and checked: where grayskull's mapping knows the module (``import_name`` in the file that
conda_names names, about two thirds), the two agree, but for six modules that it takes from a namesake. Of several
packages with one module stands the usual one. What stands nowhere here has the same name on both sides.
"""

from __future__ import annotations

import sys

_NAMES = """
Bio=biopython Crypto=pycryptodome Cryptodome=pycryptodomex Image=pillow MySQLdb=mysqlclient OpenSSL=pyopenssl PIL=pillow
Xlib=python-xlib absl=absl-py airflow=apache-airflow attr=attrs ax=ax-platform azureml=azureml-core bs4=beautifulsoup4
bson=pymongo cairo=pycairo can=python-can community=python-louvain cpuinfo=py-cpuinfo cv2=opencv-python
dateutil=python-dateutil dbus=dbus-python delta=delta-spark discord=discord.py dns=dnspython docx=python-docx
dotenv=python-dotenv editor=python-editor engineio=python-engineio faiss=faiss-cpu ffmpeg=ffmpeg-python fitz=pymupdf
gi=pygobject git=gitpython github=pygithub gitlab=python-gitlab googleapiclient=google-api-python-client grpc=grpcio
grpc_status=grpcio-status haiku=dm-haiku haystack=haystack-ai hydra=hydra-core igraph=python-igraph
imblearn=imbalanced-learn jose=python-jose jwt=pyjwt kafka=kafka-python ldap=python-ldap lightning_fabric=lightning
llama_cpp=llama-cpp-python magic=python-magic memcache=python-memcached mpl_toolkits=matplotlib
mysql=mysql-connector-python nacl=pynacl osgeo=gdal pkg_resources=setuptools pl_bolts=lightning-bolts pptx=python-pptx
psycopg2=psycopg2-binary pylab=matplotlib pythoncom=pywin32 pywt=pywavelets rest_framework=djangorestframework
ruamel=ruamel.yaml scikitplot=scikit-plot serial=pyserial skimage=scikit-image sklearn=scikit-learn
skopt=scikit-optimize slugify=python-slugify snowflake=snowflake-connector-python socketio=python-socketio socks=pysocks
sonnet=dm-sonnet speech_recognition=speechrecognition spellchecker=pyspellchecker surprise=scikit-surprise
telegram=python-telegram-bot tlz=toolz tree=dm-tree umap=umap-learn usb=pyusb vertexai=google-cloud-aiplatform
websocket=websocket-client whisper=openai-whisper win32api=pywin32 win32com=pywin32 wx=wxpython xdg=pyxdg yaml=pyyaml
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
# Namespaces of which no one package can be meant, and what only a Databricks server provides.
_AMBIGUOUS = "google google.cloud azure databricks databricks.feature_store dbutils"
# What projects call their own modules. On PyPI stands something else, by whoever took the name.
_USUAL_OWN = """
app apps base code common conf config configs configuration constants core custom data dataset experiment experiments
features functions hello helper helpers inference lib libs local logger logging_config main model models module modules
my_module mylib params pipeline pipelines prepare_data preprocess preprocessing project scripts settings shared src
steps task tasks test testing tests tools train trainer training util utilities utils
"""
_UNKNOWN = frozenset(_AMBIGUOUS.split()) | frozenset(_USUAL_OWN.split())

# Modules that older Pythons had (PEP 594 and the 2-to-3 renames); sys.stdlib_module_names lists the running one's.
_OLD_STDLIB = """
BaseHTTPServer ConfigParser Cookie HTMLParser Queue SimpleHTTPServer SocketServer StringIO Tkinter UserDict UserList
UserString __builtin__ __future__ __main__ _typeshed aifc anydbm asynchat asyncore audioop binhex bsddb cPickle
cStringIO cgi cgitb chunk contextvars cookielib crypt dataclasses distutils dummy_thread dummy_threading exceptions
formatter future_builtins graphlib htmlentitydefs httplib imghdr imp importlib lib2to3 macpath mailcap md5 msilib nis
nntplib ossaudiodev parser pipes pydoc_data robotparser sets sha smtpd sndhdr spwd sunau symbol telnetlib thread
tkFileDialog tkMessageBox tomllib typing urllib2 urlparse uu xdrlib xmlrpclib zoneinfo
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


def is_unknown(module: str) -> bool:
    """Whether *module* says nothing about a package: a shared namespace, or a name that projects give their own
    modules."""
    return module in _UNKNOWN


def has_spaces(top: str) -> bool:
    """Whether packages of different names share the top-level module *top*."""
    return top in ("google", "azure", "azureml", "snowflake", "databricks")
