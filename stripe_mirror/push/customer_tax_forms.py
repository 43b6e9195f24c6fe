"""The forms of tax ids: which kinds of numbers there are, and which one a customer probably has."""

from __future__ import annotations

from functools import cache

from babel import Locale
from django import forms
from django.utils.translation import gettext_lazy

from stripe_mirror.language import spoken
from stripe_mirror.push.customer_forms import TextField
from stripe_mirror.push.operation import OperationForm

# Stripe's values of `type` (https://docs.stripe.com/api/tax_ids/create): the country, or "eu", then the tax.
WORDS = """
ad_nrt ae_trn al_tin am_tin ao_tin ar_cuit au_abn au_acn au_arn au_wpn aw_tin az_tin ba_tin bb_tin bd_bin bf_ifu
bg_uic bh_vat bj_ifu bo_tin br_cnpj br_cpf bs_tin bw_vat by_tin ca_bn ca_gst_hst ca_pst_bc ca_pst_mb ca_pst_sk
ca_qst cd_nif ch_uid ch_vat ci_vat cl_tin cm_niu cn_tin co_nit cr_tin cv_nif cz_dic de_stn do_rcn ec_ruc eg_tin
es_cif et_tin eu_oss_vat eu_vat fo_vat fr_siren fr_siret fr_spi gb_vat ge_vat gh_tin gi_tin gn_nif hk_br hr_oib
hu_tin ic_nif id_npwp il_vat in_gst is_kt is_vat it_cf jp_cn jp_rn jp_trn ke_pin kg_tin kh_tin kr_brn kz_bin
la_tin li_uid li_vat lk_vat ma_vat md_cf md_vat me_pib mk_vat mr_nif mu_vat mx_rfc my_frp my_itn my_sst mz_nuit
ng_tin no_vat no_voec np_pan nz_bn nz_gst om_vat pe_ruc ph_tin pl_nip pt_nif py_ruc ro_tin rs_pib ru_inn ru_kpp
sa_vat sg_gst sg_uen si_tin sm_coe sn_ninea sr_fin sv_nit th_vat tj_tin tr_tin tt_bir tt_vat tw_vat tz_vat ua_vat
ug_tin us_ein uy_ruc uz_tin uz_vat ve_rif vn_tin za_vat zm_tin zw_tin
"""
TAX_ID_TYPES = tuple(WORDS.split())
# Where customers have the number of `eu_vat`, beside or instead of one of their country.
COUNTRIES = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EU = frozenset(COUNTRIES.split())


def type_in_words(type: str) -> str:
    """ "eu_vat" → "European Union: VAT"; one that isn't known here as it is."""
    place, _, tax = type.partition("_")
    name = spoken().territories.get(place.upper())
    return f"{name}: {tax.replace('_', ' ').upper()}" if name and tax else type


def type_choices() -> list[tuple[str, str]]:
    """All types, by country in the person's language."""
    return _type_choices(spoken())


@cache
def _type_choices(_language: Locale) -> list[tuple[str, str]]:
    found = [(type, type_in_words(type)) for type in TAX_ID_TYPES]
    return [("", "—"), *sorted(found, key=lambda pair: pair[1])]


def likely_type(country: str) -> str:
    """What a customer of this country most probably has, "" where several are as likely."""
    if country.upper() in EU:
        return "eu_vat"
    own = [type for type in TAX_ID_TYPES if type.startswith(f"{country.lower()}_")] if country else []
    return own[0] if len(own) == 1 else ""


class AddTaxIdForm(OperationForm):
    """Which number; what it looks like is Stripe's to judge."""

    type = forms.ChoiceField(label=gettext_lazy("Type"), choices=type_choices)
    value = TextField(
        label=gettext_lazy("Number"),
        max_length=200,
        help_text=gettext_lazy("As the authority writes it, for example DE123456789."),
    )


class RemoveTaxIdForm(OperationForm):
    """Only a reason."""
