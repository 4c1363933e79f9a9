-- The identity terms of each patient, by study, from the whole archive: a surname first seen in a later
-- study is removed from the earlier ones too. A view: the terms are stored in the raw zone only.
-- Checks of the raw tables are those of the entities: depends_on: {{ source('raw', 'patients') }}
{{ config(materialized='view', schema='private') }}

{{ require_private_zone() }}

with identity_rows as (
    {{ with_vault(source('raw', 'identity_terms')) }}
)

select distinct
    {{ entity_key('patient_key') }} as patient_key,
    {{ entity_key('study_key') }} as study_key,
    terms
from identity_rows
where terms != ''
