"""Tax ids: numbers of customers (and of the account itself) that authorities know; verified some time later."""

from __future__ import annotations

import re
from typing import Any

from tests.sandbox.billing.timers import action
from tests.sandbox.errors import invalid, missing
from tests.sandbox.params import Enum, Fields, Many, Str
from tests.sandbox.resource import PAGING, Listing, Plain, Resource
from tests.sandbox.store import Row

WORDS = """
ad_nrt ae_trn al_tin am_tin ao_tin ar_cuit au_abn au_arn aw_tin az_tin ba_tin bb_tin bd_bin bf_ifu
bg_uic bh_vat bj_ifu bo_tin br_cnpj br_cpf bs_tin by_tin ca_bn ca_gst_hst ca_pst_bc ca_pst_mb
ca_pst_sk ca_qst cd_nif ch_uid ch_vat cl_tin cm_niu cn_tin co_nit cr_tin cv_nif de_stn do_rcn ec_ruc
eg_tin es_cif et_tin eu_oss_vat eu_vat fo_vat gb_vat ge_vat gi_tin gn_nif hk_br hr_oib hu_tin ic_nif
id_npwp il_vat in_gst is_vat it_cf jp_cn jp_rn jp_trn ke_pin kg_tin kh_tin kr_brn kz_bin la_tin
li_uid li_vat lk_vat ma_vat md_vat me_pib mk_vat mr_nif mx_rfc my_frp my_itn my_sst ng_tin no_vat
no_voec np_pan nz_gst om_vat pe_ruc ph_tin pl_nip py_ruc ro_tin rs_pib ru_inn ru_kpp sa_vat sg_gst
sg_uen si_tin sn_ninea sr_fin sv_nit th_vat tj_tin tr_tin tw_vat tz_vat ua_vat ug_tin us_ein uy_ruc
uz_tin uz_vat ve_rif vn_tin za_vat zm_tin zw_tin
"""
TYPES = tuple(WORDS.split())
# The types that Stripe verifies with the authorities of their country; of others it can say nothing.
VERIFIED_TYPES = ("au_abn", "eu_vat", "gb_vat")
VERIFICATION_SECONDS = 90
# Stripe's test values: these two do not end as verified.
UNVERIFIABLE, FOREVER_PENDING = "111111111", "222222222"
TEST_VALUES = ("000000000", UNVERIFIABLE, FOREVER_PENDING)
EU_VAT = re.compile(r"^[A-Z]{2}[0-9A-Z+*]{2,12}$")

TAX_ID = Resource(
    "tax_id",
    "txi_",
    "/v1/tax_ids",
    id_length=24,
    noun="tax_id",
    indexes=("customer",),
    expands={"customer": "customer", "owner.customer": "customer", "owner.account": "", "owner.application": ""},
)
OWNER = {"account": Str(), "customer": Str(), "type": Enum("account", "application", "customer", "self", required=True)}
TYPE, VALUE = Enum(*TYPES, required=True), Str(clears=False, required=True)
ITEM = Fields(type=TYPE, value=VALUE)
MANY = Many(ITEM, most=5)


def make(sandbox: Any, params: dict[str, Any], *, customer: str | None) -> Row:
    """A new tax id of a customer, or of the account itself."""
    kind, value = params["type"], params["value"]
    if kind == "eu_vat" and value not in TEST_VALUES and not EU_VAT.match(value):
        raise invalid(f"Invalid value for {kind}.", code="tax_id_invalid", param="value")
    checked = kind in VERIFIED_TYPES
    row: Row = {
        "id": sandbox.new_id("txi_", 24),
        "object": "tax_id",
        "country": value[:2] if kind == "eu_vat" and value not in TEST_VALUES else kind[:2].upper(),
        "created": sandbox.now(),
        "customer": customer,
        "customer_account": None,
        "livemode": sandbox.livemode,
        "owner": {"customer": customer, "type": "customer"} if customer else {"type": "self"},
        "type": kind,
        "value": value,
        "verification": {
            "status": "pending" if checked else "unavailable",
            "verified_address": None,
            "verified_name": None,
        },
    }
    sandbox.insert(row, event="customer.tax_id.created" if customer else None)
    if checked and value != FOREVER_PENDING:
        sandbox.timers.at(sandbox.now() + VERIFICATION_SECONDS, "verify_tax_id", row["id"])
    return row


@action("verify_tax_id")
def _verify(sandbox: Any, tax_id: str) -> None:
    row = sandbox.table("tax_id").rows.get(tax_id)
    if row is not None and row["verification"]["status"] == "pending":
        answer(sandbox, row, "unverified" if row["value"] == UNVERIFIABLE else "verified")


def answer(sandbox: Any, row: Row, status: str) -> None:
    """The authority has said whether it knows the number, and whose it is."""
    with sandbox.edit("tax_id", row["id"], event="customer.tax_id.updated" if row["customer"] else None):
        row["verification"] = {"status": status, "verified_address": None, "verified_name": None}
        customer = sandbox.table("customer").rows.get(row["customer"])
        if status == "verified" and customer is not None:
            lines = [text for text in (customer["address"] or {}).values() if text]
            row["verification"]["verified_address"] = ", ".join(lines) or None
            row["verification"]["verified_name"] = customer["name"]


def remove(sandbox: Any, row: Row) -> Plain:
    """Take a tax id away."""
    sandbox.remove("tax_id", row["id"], event="customer.tax_id.deleted" if row["customer"] else None)
    return Plain(TAX_ID.stub(row["id"]))


@TAX_ID.on("POST", owner=Fields(OWNER), type=TYPE, value=VALUE)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Create, for the account itself unless another owner is named."""
    return make(sandbox, params, customer=_owner(sandbox, params))


def _owner(sandbox: Any, params: dict[str, Any]) -> str | None:
    owner = params.pop("owner", {"type": "self"})
    if owner["type"] != "customer":
        return None
    if "customer" not in owner:
        raise invalid("Missing required param: owner[customer].", code="parameter_missing", param="owner[customer]")
    customer: Row = sandbox.refer("customer", owner["customer"], "owner[customer]")
    return str(customer["id"])


@TAX_ID.on("GET", **{**PAGING, "owner": Fields(OWNER)})
def listing(sandbox: Any, params: dict[str, Any]) -> Listing:
    """List those of one owner: without `owner` the account's own, never the customers'."""
    page: Listing = sandbox.page("tax_id", {**params, "customer": _owner(sandbox, params)})
    return page


@TAX_ID.on("DELETE", "/{id}")
def delete(sandbox: Any, params: dict[str, Any], tax_id: str) -> Plain:
    """Delete; a tax id can't be edited."""
    return remove(sandbox, sandbox.fetch("tax_id", tax_id))


@TAX_ID.on("POST", "/v1/customers/{id}/tax_ids", type=TYPE, value=VALUE)
def create_for_customer(sandbox: Any, params: dict[str, Any], customer_id: str) -> Row:
    """Create for a customer."""
    sandbox.fetch("customer", customer_id, param="customer")
    return make(sandbox, params, customer=customer_id)


@TAX_ID.on("GET", "/v1/customers/{id}/tax_ids", **PAGING)
def list_of_customer(sandbox: Any, params: dict[str, Any], customer_id: str) -> Listing:
    """The tax ids of one customer."""
    sandbox.fetch("customer", customer_id, param="customer")
    filters = {**params, "customer": customer_id}
    page: Listing = sandbox.page("tax_id", filters, url=f"/v1/customers/{customer_id}/tax_ids")
    return page


@TAX_ID.on("GET", "/v1/customers/{id}/tax_ids/{txi}")
def read_of_customer(sandbox: Any, params: dict[str, Any], customer_id: str, tax_id: str) -> Row:
    """One tax id of one customer."""
    row: Row = sandbox.fetch("tax_id", tax_id)
    if row["customer"] != customer_id:
        raise missing("tax_id", tax_id)
    return row


@TAX_ID.on("DELETE", "/v1/customers/{id}/tax_ids/{txi}")
def delete_of_customer(sandbox: Any, params: dict[str, Any], customer_id: str, tax_id: str) -> Plain:
    """Delete one tax id of one customer."""
    return remove(sandbox, read_of_customer(sandbox, {}, customer_id, tax_id))


TAX_ID.reads()
