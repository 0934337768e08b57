"""Names of people in Chinese and English text, found by what stands around them.

A name alone is a word like any other; what gives it away is an introduction (我叫…, 联系人：…,
my name is …) or a title (…先生, Mr …). Surnames: the commonest of the Ministry of Public
Security's name report (2020) and compound ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

SURNAMES = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金"
    "韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧"
    "耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉"
    "缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝"
)
COMPOUND = frozenset(
    [
        "欧阳",
        "司马",
        "上官",
        "诸葛",
        "东方",
        "皇甫",
        "尉迟",
        "公孙",
        "慕容",
        "令狐",
        "司徒",
        "夏侯",
        "端木",
        "长孙",
        "宇文",
        "轩辕",
        "南宫",
        "闻人",
        "澹台",
        "独孤",
    ]
)
_NEVER_IN_A_NAME = frozenset(
    "的了位个是有在和与及等吗呢吧啊这那每某各我你他她它们不没被把给让对从到说想要请问叫姓就都也很还又去来为因所但如果该此其"
    "上下里中外内前后左右号楼栋幢室层米元块年月日时点分区县市镇乡村路街巷"
)
"""Characters that end a name; a few do occur in given names, which then end one character early."""

_CJK = re.compile(r"[\u3400-\u9fff]")
_TITLE_ZH = re.compile(
    r"先生|女士|小姐|太太|师傅|阿姨|大爷|大妈|大叔|大哥|大姐|奶奶|爷爷|婆婆|老师|医生|同学|同志|老人|老太"
)
_BEFORE_A_TITLE = {
    "于": "由关对至等位处属在过", "许": "允或也不准", "余": "其剩业",     "和": "", "师": "老律", "任": "责主担", "全": "", "成": "", "解": "", "应": "", "时": "",
    "连": "", "单": "", "文": "语英中", "明": "", "车": "", "路": "", "米": "", "房": "", "边": "",
    "关": "", "管": "", "党": "", "查": "", "项": "", "商": "", "农": "", "华": "", "古": "",
    "左": "", "司": "公上", "江": "", "万": "", "方": "", "程": "工", "安": "", "金": "", "石": "", "白": "",
}  # fmt: skip
"""Surnames that are also common words: alone before a title they count only after a break, and
never after the characters given here."""
_OTHER_WORDS_TOO = frozenset("和全成解应时连单明车路米房边关管党查项商农华古左师")

_WORDS_BEFORE_A_TITLE = re.compile(
    "(?:向|和|与|时|连|比|应|全|单|解|任)(?:学校|孩子|家长|父母|班上|医院|学生|自己|其他|部分|一些|很多|许多|这位|那位|别的|同班|本校|有些|所有|告诉)$"
    "|.?(?:任教|历史|政治|班主任|主治|高考|高中|高校|高三|高二|高一|代课|任课|语文|数学|英语|物理|化学|生物|地理|音乐|体育|美术|幼师|男|女|退休|在职"
    "|公办|民办|乡村|优秀|年轻|普通|实习|值班|主管|外聘|编外|支教|欺骗|欺负|殴打|提高|告诉|单告诉|施教|管教)$"
)
_STRONG = re.compile(
    r"(?:我(?:的名字)?叫做?|本人(?:名)?叫|名叫|我的名字是|姓名(?:是|为)?|名字(?:是|为)|真实姓名|"
    r"(?:联系|投诉|举报|反映|申请|报修|报案|求助|受害|委托|代理|法定代表|负责)人(?:姓名|是|为|叫)?"
    r"|户主|业主姓名|当事人|签名|署名|落款|此致敬礼)(?P<colon>\s{0,2}[:：]?\s{0,2})"
)
_WEAK = re.compile(r"(?:我是|本人是?|患者|学生|孩子|儿子|女儿|丈夫|妻子|母亲|父亲|邻居|老人)")
_ENDS_A_NAME = re.compile(
    r"[\s,，.。、;；:：!！?？()（）\[\]【】'\"“”‘’/\d+＋]|$|电话|手机|联系|身份证|住|今年|现年|女|男|于|在|向|因|系|的|家|是|反映|投诉|举报|申请|求助|微信"
)
_NOT_A_NAME = frozenset(
    [
        "高中",
        "高一",
        "高二",
        "高三",
        "高龄",
        "高校",
        "高级",
        "高血",
        "马路",
        "马上",
        "方案",
        "任何",
        "金融",
        "金额",
        "白天",
        "白领",
        "石材",
        "黄河",
        "江北",
        "江南",
        "江边",
        "周边",
        "周围",
        "周一",
        "周二",
        "周三",
        "周四",
        "周五",
        "周六",
        "周日",
        "周末",
        "程序",
        "程度",
        "龙头",
        "文化",
        "文明",
        "文件",
        "成年",
        "成都",
        "时候",
        "时间",
        "路人",
        "路灯",
        "路过",
        "路面",
        "房东",
        "房主",
        "房屋",
        "房子",
        "房产",
        "农民",
        "农村",
        "包工",
        "包括",
        "安全",
        "安置",
        "安装",
        "曾经",
        "曾在",
        "曾于",
        "任职",
        "任课",
        "向您",
        "向市",
        "向领",
        "向政",
        "应该",
        "应当",
        "解决",
        "全家",
        "全体",
        "全职",
        "连续",
        "连夜",
        "单位",
        "单亲",
        "车主",
        "车辆",
        "管理",
        "关于",
        "关心",
        "左右",
        "古城",
        "古镇",
        "万分",
        "万一",
        "万达",
        "华侨",
        "明天",
        "明年",
        "明显",
        "游客",
        "商户",
        "商家",
        "商店",
        "查看",
        "项目",
        "党员",
        "师范",
        "和平",
        "荣幸",
        "康复",
        "边上",
        "边防",
        "米店",
        "毕业",
        "常住",
        "计划",
        "成为",
        "本地",
        "温泉",
        "平时",
        "严重",
        "许多",
        "余下",
        "何时",
        "何人",
        "何必",
        "易燃",
        "牛奶",
        "管道",
        "宁可",
        "宁愿",
        "符合",
        "施工",
        "祝您",
        "舒服",
        "梅园",
        "冷得",
        "应聘",
        "中学",
        "小学",
        "大学",
        "时代",
        "卫生",
        "宫颈",
        "司机",
        "解放",
        "家住",
        "王府",
        "金色",
        "阳光",
        "阳台",
        "东方",
        "盛世",
        "景区",
        "桂花",
        "兰花",
        "申请",
        "尤其",
        "单身",
        "单元",
        "华人",
        "华为",
        "广场",
        "林业",
        "林场",
        "黄金",
        "关键",
        "关注",
        "方便",
        "方面",
        "白血",
        "苏州",
        "常州",
        "徐州",
        "郑州",
        "温州",
        "贺州",
        "柳州",
        "梅州",
        "江苏",
        "江西",
        "安徽",
        "宁波",
        "宁夏",
        "武汉",
        "黄石",
        "黄冈",
        "金华",
        "马鞍",
        "成都",
        "简单",
        "应有",
        "应届",
        "连锁",
        "全国",
        "全市",
        "全县",
    ]
)

_INTRO_EN = re.compile(
    r"\b(?i:my (?:full )?name is|my name's|i am called|i'm called|name:|contact(?: person)?:|contact name:|"
    r"signed:?|(?:kind |best |warm )?regards,?|sincerely,?|yours (?:truly|faithfully),?)\s{1,3}"
)
_NAME_EN = re.compile(r"[A-Z][a-z'’]+(?:[ -][A-Z][a-z'’]*\.?){0,3}")
_LOWER_EN = re.compile(r"[a-z][a-z'’-]+(?: [a-z][a-z'’-]+)?")
_I_AM_EN = re.compile(
    r"\b(?:I am|I'm|I’m|[Tt]his is|[Ii]t is|[Cc]all me|[Aa]sk for)\s([A-Z][a-z'’]+(?:[ -][A-Z][a-z'’]+){1,2})"
)
_TITLE_EN = re.compile(
    r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Madam|Mister)\b\.?\s([A-Z][a-z'’]+(?:[ -][A-Z][a-z'’]+){0,2})"
)
_STOP_EN = frozenset(
    [
        "and",
        "i",
        "the",
        "a",
        "an",
        "is",
        "at",
        "in",
        "on",
        "of",
        "from",
        "to",
        "my",
        "with",
        "for",
        "who",
        "am",
        "live",
        "living",
        "call",
        "phone",
        "tel",
        "mobile",
        "email",
        "number",
        "our",
        "we",
        "it",
        "this",
        "that",
        "please",
        "but",
        "not",
        "here",
        "because",
        "near",
        "so",
        "since",
    ]
)
_PLACES_EN = re.compile(r"(?:Street|Road|Avenue|Lane|Park|Square|District|Bridge|Market|School)$")


def names(text: str) -> Iterator[tuple[int, int]]:
    """Character ranges of names in `text` (already with half-width letters and digits)."""
    if not text.isascii():
        yield from _introduced_zh(text)
        yield from _titled_zh(text)
    yield from _in_english(text)


def _introduced_zh(text: str) -> Iterator[tuple[int, int]]:
    for match in _STRONG.finditer(text):
        start = match.end()
        length = _name_length(text, start, sure=True)
        if length and (match["colon"] or text[start : start + 2] not in _NOT_A_NAME):
            yield start, start + length
    for match in _WEAK.finditer(text):
        start = match.end()
        if text[start : start + 2] in _NOT_A_NAME:
            continue
        length = _name_length(text, start, sure=False)
        if length:
            yield start, start + length


def _name_length(text: str, start: int, *, sure: bool) -> int:
    """Characters of the name that begins at `start`; 0 when none does.

    A `sure` introduction needs no sign of the name's end; otherwise something must end it.
    """
    first = text[start : start + 1]
    if text[start : start + 2] in COMPOUND:
        shortest, longest = 3, 4
    elif first in SURNAMES:
        shortest, longest = 2, 3
    else:
        return 0
    if sure and text[start + 1 : start + 2] == " " and _given(text[start + 2 : start + 3]):
        return 3 if _ENDS_A_NAME.match(text, start + 3) else 0
    given = text[start + shortest - 1 : start + longest]
    usable = 0
    for character in given:
        if not _CJK.match(character) or character in _NEVER_IN_A_NAME:
            break
        usable += 1
    if not usable:
        return 0
    surname = shortest - 1
    for taken in range(usable, 0, -1):
        end = start + surname + taken
        if _ENDS_A_NAME.match(text, end) or _TITLE_ZH.match(text, end):
            return surname + taken
    return surname + usable if sure else 0


def _titled_zh(text: str) -> Iterator[tuple[int, int]]:
    for match in _TITLE_ZH.finditer(text):
        end = match.start()
        start = _start_before_title(text, end)
        if start < end:
            yield start, end


def _start_before_title(text: str, end: int) -> int:
    """Where the name that stands directly before a title begins; `end` when none does."""
    last, second, third = (text[end - i : end - i + 1] if end >= i else "" for i in (1, 2, 3))
    if end >= 4 and text[end - 4 : end - 2] in COMPOUND and _given(second + last):
        return end - 4
    if end >= 3 and third + second in COMPOUND and _given(last):
        return end - 3
    if second + last in COMPOUND:
        return end - 2
    if _is_no_name_before_a_title(third + second + last) or _is_no_name_before_a_title(second + last):
        return end
    if last in SURNAMES and second not in SURNAMES and _is_surname_here(last, second):
        return end - 1
    if not last or not _given(last):
        return end
    if third in SURNAMES and second and _given(second) and third + second not in _NOT_A_NAME:
        return end - 3
    if second in SURNAMES and second + last not in _NOT_A_NAME:
        return end - 2
    return end


def _is_no_name_before_a_title(characters: str) -> bool:
    """Words with a surname's character that often stand before 老师, 医生, 同学 and the like."""
    return bool(_WORDS_BEFORE_A_TITLE.match(characters))


def _is_surname_here(character: str, before: str) -> bool:
    if character == "向":
        return False
    if character not in _BEFORE_A_TITLE:
        return True
    if before in _BEFORE_A_TITLE[character] and before:
        return False
    return character not in _OTHER_WORDS_TOO or not _CJK.match(before or " ")


def _given(characters: str) -> bool:
    return bool(characters) and all(_CJK.match(c) and c not in _NEVER_IN_A_NAME for c in characters)


def _in_english(text: str) -> Iterator[tuple[int, int]]:
    for match in _INTRO_EN.finditer(text):
        name = _NAME_EN.match(text, match.end())
        if name:
            yield name.span()
            continue
        lower = _LOWER_EN.match(text, match.end())
        if lower and match[0].lower().lstrip().startswith(("my ", "i am called", "i'm called")):
            words = lower[0].split(" ")
            kept = [] if words[0] in _STOP_EN else words[:1]
            if kept and len(words) > 1 and words[1] not in _STOP_EN:
                kept = words
            if kept:
                yield lower.start(), lower.start() + len(" ".join(kept))
    for pattern in (_I_AM_EN, _TITLE_EN):
        for match in pattern.finditer(text):
            if not _PLACES_EN.search(match[1]):
                yield match.span(1)
