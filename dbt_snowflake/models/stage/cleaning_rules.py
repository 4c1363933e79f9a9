"""The version of the rules by which texts are cleaned; a change of it rebuilds all partitions."""

import pyarrow as pa

from dicom_pipeline.deid.cleaning.rules_version import RULES_VERSION


def model(dbt, session):
    dbt.config(materialized="table", schema="private")
    dbt.ref("identity_digests")  # so that automation builds it again with each batch
    return pa.table({"rules_version": [RULES_VERSION]})
