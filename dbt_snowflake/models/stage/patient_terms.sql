-- The identity terms of each patient, by study, from the whole archive: a surname first seen in a later
-- study is removed from the earlier ones too. A view: the terms are stored in the raw zone only.
-- The checks of the raw tables are those of the entities.
{{ config(materialized='view', schema='private') }}

{{ require_private_zone() }}
{%- do source('raw', 'patients') %}

select distinct
    {{ entity_key('patient_key') }} as patient_key,
    {{ entity_key('study_key') }} as study_key,
    terms
from {{ source('raw', 'identity_terms') }}
cross join {{ source('vault', 'keys') }}
where terms != ''
