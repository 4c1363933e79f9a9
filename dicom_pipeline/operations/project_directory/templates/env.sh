# Settings of this project directory. Read it in every terminal: . ./env.sh
# Relative paths are relative to this directory. Remove a leading # to change a default.

# Folder or bucket with the DICOM files; it is only read.
#export DICOM_LANDING_URI=data/dicom-files

# The published database.
export DBT_DATABASE_NAME=dicom.duckdb

# Private: raw tables with patient data, build database and key.
#export DICOM_RAW_URI=data/raw
#export DICOM_WAREHOUSE_DIR=data/warehouse

# De-identification profile: research or strict.
#export DICOM_DEID_PROFILE=research

export DAGSTER_DISABLE_TELEMETRY=yes
export DO_NOT_TRACK=1
