"""The loader of product lists: the CDC's two headings, CSV and spreadsheets, and what it refuses."""

import zipfile
from random import Random

import pytest
from claimtwin.codes.drugs import NOT_LISTED, PRODUCT, WHOLE, DrugList, read_drug_list
from claimtwin.codes.opioids import factors_of, places_of, read_products
from claimtwin.config.deployment import CodeListFile
from claimtwin.errors import ConfigError

NEW = "NDC,NDC_Numeric,PRODNME,GENNME,Master_Form,Class,Drug,LongShortActing,DEAClassCode,Strength_Per_Unit,UOM"
OLD = "NDC_Numeric,NDC,Product_Name,Generic_Drug_Name,Master_Form,Class,Drug,LongShortActing,DEAClassCode,"
OLD += "Strength_Per_Unit,UOM,MME_Conversion_Factor"
ROW = "00000000002,2,P,Oxycodone,Tablet,Opioid,Oxycodone SA,SA,2,7.5,MG"
PATCH = '00000000001,1,BUTRANS,Buprenorphine,"Patch, Extended Release",Opioid,Buprenorphine,LA,3,5,MCG/HR'
SPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def read(path):
    return read_products(str(path), "env: code_lists.opioid")


def csv_file(tmp_path, *lines):
    path = tmp_path / "list.csv"
    path.write_text("\n".join(lines), encoding="utf-8-sig")
    return path


def sheet_of(*rows):
    cells = [[f'<c r="{chr(65 + k)}{n}" t="inlineStr"><is><t>{text}</t></is></c>' for k, text in enumerate(row)]
             for n, row in enumerate(rows, 1)]  # fmt: skip
    lines = "".join(f"<row>{''.join(row)}</row>" for row in cells)
    return f'<worksheet xmlns="{SPACE}"><sheetData>{lines}</sheetData></worksheet>'


def workbook(tmp_path, sheets):
    """A workbook with names of sheets, whose files are numbered the other way round."""
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    named = "".join(f'<sheet name="{name}" sheetId="{k}" r:id="r{k}"/>' for k, name in enumerate(sheets, 1))
    links = "".join(
        f'<Relationship Id="r{k}" Target="{"/xl/" if k == 1 else ""}worksheets/sheet{len(sheets) + 1 - k}.xml"/>'
        for k in range(1, len(sheets) + 1)
    )
    path = tmp_path / "book.xlsx"
    with zipfile.ZipFile(path, "w") as book:
        head = f'<workbook xmlns="{SPACE}" xmlns:r="{office}"><sheets>{named}</sheets></workbook>'
        book.writestr("xl/workbook.xml", head)
        book.writestr("xl/_rels/workbook.xml.rels", f"<Relationships>{links}</Relationships>")
        for k, rows in enumerate(sheets.values()):
            book.writestr(f"xl/worksheets/sheet{len(sheets) - k}.xml", sheet_of(*rows))
    return path


def xlsx_file(tmp_path, header, rows):
    """A workbook as spreadsheets save it: a first sheet of words, headings as shared strings, gaps left out."""
    words = "".join(f"<si><t>{word}</t></si>" for word in header)
    lines = ["".join(f'<c r="{chr(65 + k)}1" t="s"><v>{k}</v></c>' for k in range(len(header)))]
    for n, row in enumerate(rows, 2):
        told = [(k, text) for k, text in enumerate(row) if text]
        lines.append("".join(f'<c r="{chr(65 + k)}{n}" t="inlineStr"><is><t>{text}</t></is></c>' for k, text in told))
    sheet = "".join(f'<row r="{n}">{line}</row>' for n, line in enumerate(lines, 1))
    path = tmp_path / "list.xlsx"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("xl/worksheets/sheet1.xml", f'<worksheet xmlns="{SPACE}"><sheetData/></worksheet>')
        book.writestr(
            "xl/worksheets/sheet2.xml", f'<worksheet xmlns="{SPACE}"><sheetData>{sheet}</sheetData></worksheet>'
        )
        book.writestr("xl/sharedStrings.xml", f'<sst xmlns="{SPACE}">{words}</sst>')
    return path


def test_products_come_in_the_order_of_their_codes(tmp_path):
    found = read(csv_file(tmp_path, NEW, ROW, PATCH))
    assert [(p.ndc, p.ingredient, p.long_acting, str(p.strength), p.unit, p.use) for p in found] == [
        ("00000000001", "buprenorphine", True, "5", "MCG/HR", "pain"),
        ("00000000002", "oxycodone", False, "7.5", "MG", "pain"),
    ]


def test_the_headings_of_2016_do_too(tmp_path):
    row = "2,00000000002,P,Oxycodone,Tablet,Opioid,Oxycodone SA,SA,2,7.5,MG,1.5"
    assert read(csv_file(tmp_path, OLD, row)) == read(csv_file(tmp_path, NEW, ROW))


def test_a_workbook_holds_the_same_as_its_export(tmp_path):
    rows = [line.split(",") for line in (ROW, ROW.replace("00002", "00003").replace("7.5", ""))]
    book = read(xlsx_file(tmp_path, NEW.split(","), rows))
    assert book == read(csv_file(tmp_path, NEW, *(",".join(row) for row in rows)))
    assert book[1].strength is None


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([NEW], "has rows and the columns"),
        ([NEW.replace("Master_Form", "Form"), ROW], "has rows and the columns"),
        ([NEW.replace("GENNME", "Generic"), ROW], "no column GENNME or Generic_Drug_Name"),
        ([NEW, ROW[1:]], "1 are not 11 digits"),
        ([NEW, ROW, ROW], "1 are there again"),
    ],
)
def test_a_list_that_would_mislead_is_refused(tmp_path, lines, words):
    with pytest.raises(ConfigError) as error:
        read(csv_file(tmp_path, *lines))
    assert words in str(error.value)
    assert "00000000002" not in str(error.value)


def test_a_missing_and_a_broken_file_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="missing"):
        read(tmp_path / "none.csv")
    broken = tmp_path / "broken.xlsx"
    broken.write_text("no archive")
    with pytest.raises(ConfigError, match="cannot be read"):
        read(broken)


def test_an_unknown_edition_names_the_known():
    with pytest.raises(ConfigError) as error:
        factors_of("cdc_2023")
    assert "cdc_2022" in str(error.value)


def test_a_code_that_is_not_listed_may_be_another_package_of_a_product(tmp_path):
    twin = ROW.replace("00000000002", "00000000103").replace("7.5", "10")
    other = ROW.replace("00000000002", "00000000102")
    products = read(csv_file(tmp_path, NEW, ROW, PATCH, other, twin))
    codes = ["00000000002", "00000000102", "00000000199", None, "000000002", "99999999999"]
    assert places_of(codes, products, None).tolist() == [1, 2, -1, -1, -1, -1]
    # Of the two products 000000000 one is a patch, and of the two 000000001 one is stronger: neither is told.
    assert places_of(codes, products, 9).tolist() == [1, 2, -1, -1, -1, -1]
    alike = read(csv_file(tmp_path, NEW, ROW, other, ROW.replace("00000000002", "00000000104")))
    assert places_of(["00000000199", "00000000001"], alike, 9).tolist() == [4, 3]


def test_a_sheet_of_a_workbook_is_chosen_by_its_name(tmp_path):
    old = [head for head in NEW.split(",") if head != "LongShortActing"]
    benzos = [old, ["00000000009", "9", "X", "Alprazolam", "Tablet", "Benzo", "Alprazolam", "4", "0.25", "MG"]]
    path = str(workbook(tmp_path, {"Opioids": [NEW.split(","), ROW.split(",")], "Benzos": benzos}))
    assert [p.ndc for p in read_products(path, "w")] == ["00000000002"]
    assert [p.ingredient for p in read_products(path, "w", "Benzos", acting=False)] == ["alprazolam"]
    with pytest.raises(ConfigError, match="LongShortActing"):
        read_products(path, "w", "Benzos")
    with pytest.raises(ConfigError) as refused:
        read_products(path, "w", "Benzo")
    assert "use Opioids, Benzos" in str(refused.value)
    with pytest.raises(ConfigError, match="no sheets"):
        read_products(str(csv_file(tmp_path, NEW, ROW)), "w", "Opioids")
    codes = read_drug_list("b", CodeListFile(path=path, sheet="Benzos")).codes
    assert codes == {"00000000009"}


def test_a_workbook_serves_the_washout_as_it_serves_the_histories(tmp_path):
    """Buprenorphine for use disorder is apart by `use`, in either form of the file."""
    film = ["00000000003", "3", "SUBOXONE", "Buprenorphine", "Film", "Opioid", "Buprenorphine", "LA", "3", "8", "MG"]
    patch = [*PATCH.split('"')[0].strip(",").split(","), "Patch", *PATCH.split('"')[2].strip(",").split(",")]
    rows = [ROW.split(","), patch, film]
    csv_path = csv_file(tmp_path, NEW, *(",".join(row) for row in rows))
    for path in (csv_path, workbook(tmp_path, {"Words": [["about"], ["this"]], "Opioids": [NEW.split(","), *rows]})):
        lists = {
            use: read_drug_list("o", CodeListFile(path=str(path), use=use)).codes
            for use in ("any", "pain", "use_disorder")
        }
        assert lists == {
            "any": {"00000000001", "00000000002", "00000000003"}, "pain": {"00000000001", "00000000002"},
            "use_disorder": {"00000000003"},
        }  # fmt: skip


@pytest.mark.parametrize("wrong", [{"column": "CODE"}, {"codes": "omop_concept"}])
def test_a_use_needs_the_columns_of_the_cdc(tmp_path, wrong):
    with pytest.raises(ValueError, match="CDC's columns"):
        CodeListFile(path="list.csv", use="pain", **wrong)
    path = tmp_path / "bare.csv"
    path.write_text("NDC\n00000000001\n")
    with pytest.raises(ConfigError, match="has rows and the columns"):
        read_drug_list("o", CodeListFile(path=str(path), use="pain"))
    with pytest.raises(ConfigError, match="no product for use_disorder"):
        read_drug_list("o", CodeListFile(path=str(csv_file(tmp_path, NEW, ROW)), use="use_disorder"))


def by_hand(code, listed, digits):
    """Whole first; then, of eleven digits, the first so many: one of the list's codes of eleven must begin alike."""
    if code in listed:
        return WHOLE
    if digits is None or len(code) != 11:
        return NOT_LISTED
    alike = [one for one in listed if len(one) in (11, digits) and one[:digits] == code[:digits]]
    return PRODUCT if alike else NOT_LISTED


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("digits", [None, 9])
def test_codes_are_told_whole_then_by_nine_digits_and_twelve_digits_whole_only(seed, digits):
    dice = Random(seed)
    pool = ["".join(dice.choice("01") for _ in range(size)) for size in [11, 11, 11, 12] * 20]
    pool = [code[:3] + "000000"[: len(code) - 6] + code[-3:] for code in pool]
    listed = frozenset(dice.sample(pool, 8)) | ({"110000000"} if digits else set())
    found = DrugList("x", listed, digits).match([*pool, None]).tolist()
    assert found == [*(by_hand(code, listed, digits) for code in pool), NOT_LISTED]
    assert WHOLE in found and NOT_LISTED in found and (PRODUCT in found) == (digits == 9)


def test_a_labeler_of_six_digits_is_no_other_labelers_product(tmp_path):
    row = ROW.replace("00000000002", "12345678901")
    products = read(csv_file(tmp_path, NEW, row))
    assert places_of(["12345678999", "123456789012", "123456789901"], products, 9).tolist() == [1, -1, -1]
    found = DrugList("x", frozenset({"12345678901", "123456789012"}), 9)
    assert found.holds(["12345678999", "123456789012", "123456789013"]).tolist() == [True, True, False]


def test_digits_that_products_of_two_uses_share_tell_nothing(tmp_path):
    film = "00000000103,3,SUBOXONE,Buprenorphine,Film,Opioid,Buprenorphine,LA,3,8,MG"
    patch = PATCH.replace("00000000001,1", "00000000102,2")
    path = str(csv_file(tmp_path, NEW, ROW, patch, film))
    found = read_drug_list("o", CodeListFile(path=path, use="pain", match_digits=9))
    codes = ["00000000002", "00000000099", "00000000102", "00000000103", "00000000199"]
    assert found.match(codes).tolist() == [WHOLE, PRODUCT, WHOLE, NOT_LISTED, NOT_LISTED]
