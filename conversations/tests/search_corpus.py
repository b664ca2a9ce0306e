"""A thousand messages in eight scripts, with code, tools, titles, tags and notes.

Stored by every kind of writer there is: the ORM, plain SQL, an import. The same on every run.
"""

from __future__ import annotations

import json
import random
import sqlite3
import uuid
from contextlib import closing
from datetime import timedelta

from conversations import storing
from conversations.importers.records import MessageRecord, SessionRecord
from conversations.models import Annotation, Message, Session
from conversations.tests.factories import NOON

SESSIONS, MESSAGES_EACH = 60, 17
END_OF_LONG = "zanzibarine QuokkaParser last_of_all.txt 最後の言葉 สุดท้าย пирожками 🦘"
WORDS = {
    "latin": """
        kettle kettles boil boiled boiling leaf leaves generalization generalize relational relate
        stopping stopped hopeful hopefully running runner ran error errors exception exceptional
        database databases index indexes indices café naïve résumé Ångström über señor façade
        Zürich smörgåsbord élan quick quickly quickness possible possibility agreed agreement
        caresses ponies flies dying sky happy happiness controlling triplicate formative electrical
        tea cup water time model token cache server thread socket memory pattern search result 42
        2026 3rd x64 utf8
    """,
    "cyrillic": """
        чайник вода чай кипяток ошибка ошибки поиск текст слово Москва ёлка мой мои война река
        программа сервер память пирог пирожки большой БОЛЬШОЙ
    """,
    "arabic": "شاي ماء إبريق خطأ بحث نص كلمة مدينة برنامج خادم ذاكرة الشاي والماء كتاب أحمد",
    "hebrew": "תה מים קומקום שגיאה חיפוש טקסט מילה עיר תוכנית שרת זיכרון ספר הספר שלום",
    "chinese": "茶 水壶 水 错误 搜索 文本 词语 城市 程序 服务器 内存 数据库 模型 喝茶 北京 𠮷野",
    "japanese": "お茶 やかん 水 エラー 検索 テキスト 言葉 都市 プログラム がんばる ﾃｽﾄ を飲む",
    "korean": "차 주전자 물 오류 검색 텍스트 단어 도시 프로그램 서버 한국어 한국어를 서울에서",
    "thai": "ชา น้ำ กาน้ำ ข้อผิดพลาด ค้นหา ข้อความ คำ เมือง โปรแกรม หน่วยความจำ กรุงเทพ ดื่ม",
}  # fmt: skip
SPOKEN = {script: words.split() for script, words in WORDS.items()}
UNSPACED = ("chinese", "japanese", "korean", "thai")
BETWEEN = {"chinese": "", "japanese": "", "thai": "", "korean": " "}
MARKS = [". ", ", ", "! ", "? ", " — ", ": ", "; ", " (", ") ", "\n", " “", "” ", "\n\n", "..."]
PICTURES = "🙂 🤔 🎉 ❤️ 👩‍💻 ✅ 🥰 → ½ € ₿ ☕ 👍🏽 🇩🇪"
# The last one as some programs set Hebrew apart.
EMOJI = [*PICTURES.split(), "\u2067שלום\u2069"]  # noqa: RUF001
IN_CODE = """
    node.js node.jsx c++ C++17 c# F# .NET foo_bar foo_bars snake_case_name __init__ __init__.py
    getElementById parseHTMLText XMLHttpRequest useState iPhone innerHTML toString camelCase
    TypeError: ValueError: KeyError:'x' src/app/main.py ./run.sh ../up/there /etc/nginx/nginx.conf
    C:\\Users\\ada\\notes.txt https://example.org/a/b?x=1&y=2#top http://localhost:8000/search/
    ada@example.org first.last+tag@mail.example.com main() f(x) a->b std::vector x==y key=value
    --force -rf @dataclass #todo $HOME ${PATH} %d 50% v1.2.3 10.0.0.1 2024-05-17 12:30:05 &amp;
    e-mail don't rock'n'roll obj?.field *args **kwargs 3.14 1,000 #fff 0x1F R&D AT&T tmp~ a|b
    user_id= self.assertEqual(a,b) [0] {"key":"value"} <div> </div> <script>alert(1)</script> \\n
    café.txt naïve_bayes über-cool мой.txt ошибка_404 npm@10 py3.11 utf-8 UTF-8 résumé.pdf
"""
NAMES = IN_CODE.split()


def text(chance: random.Random, most: int = 30) -> str:
    """Return something that somebody might have said, in one script or in several."""
    pieces = []
    script = chance.choice(list(SPOKEN))
    for _ in range(chance.randint(1, most)):
        kind = chance.random()
        if kind < 0.15:
            pieces.append(chance.choice(NAMES))
        elif kind < 0.2:
            # Some stand right behind a word.
            pieces.append(chance.choice(EMOJI))
            if pieces[1:] and chance.random() < 0.4:
                pieces[-2:] = ["".join(pieces[-2:])]
        elif kind < 0.23:
            pieces.append(some_id(chance))
        elif kind < 0.3:
            script = chance.choice(list(SPOKEN))
        elif script in UNSPACED:
            words = chance.choices(SPOKEN[script], k=chance.randint(1, 6))
            pieces.append(BETWEEN[script].join(words))
        else:
            word = chance.choice(SPOKEN[script])
            pieces.append(chance.choice([word, word, word, word.upper(), word.capitalize()]))
        if chance.random() < 0.2:
            pieces.append(chance.choice(MARKS))
    return " ".join(pieces)


def some_id(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def called(chance: random.Random) -> list:
    """Return tool calls as programs store them: JSON of any shape."""
    return [
        {
            "id": some_id(chance),
            "function": {"name": chance.choice(NAMES), "arguments": text(chance, 5)},
            "arguments": {"command": text(chance, 8), "deep": [{"er": [text(chance, 3), 7, None]}]},
        },
        text(chance, 2),
    ]


def thought(chance: random.Random) -> dict:
    """Return what is kept beside a message; of it, thoughts and results are searched."""
    return {
        "thinking": [text(chance, 6)],
        "tool_results": [{"content": text(chance, 8)}, text(chance, 3)],
        "unsearched": "xylophonist",
    }


def long_text(chance: random.Random) -> str:
    """Return a megabyte, with words at its end that stand nowhere else."""
    words = SPOKEN["latin"]
    return " ".join([*chance.choices(words, k=180_000), END_OF_LONG])


def store(alias: str, file: str, *, seed: int = 7, size: int = SESSIONS) -> None:
    """Fill an empty database with so many sessions."""
    chance = random.Random(seed)
    _by_orm(alias, chance, size // 3)
    _by_import(alias, chance, size // 3)
    _by_sql(file, chance, size // 3)


def _session(chance: random.Random) -> dict:
    return {
        "title": text(chance, 6)[:200],
        "system_prompt": text(chance, 12) if chance.random() < 0.5 else "",
        "tags": [text(chance, 2) for _ in range(chance.randint(0, 3))],
    }


def _by_orm(alias: str, chance: random.Random, size: int) -> None:
    for number in range(size):
        session = Session.objects.using(alias).create(
            session_uuid=some_id(chance),
            description=text(chance, 8),
            started_at=NOON + timedelta(minutes=number),
            deleted_at=NOON if number == 5 else None,
            **_session(chance),
        )
        messages = Message.objects.using(alias).bulk_create(
            Message(
                message_uuid=some_id(chance),
                session=session,
                sequence_number=place,
                role="user" if place % 2 else "assistant",
                content=text(chance),
                timestamp=NOON + timedelta(minutes=number, seconds=place),
                tool_calls=called(chance) if place % 6 == 0 else None,
                function_call={"name": text(chance, 2)} if place % 11 == 0 else None,
                metadata=thought(chance) if place % 5 == 0 else {},
                error_message=text(chance, 3) if place % 7 == 0 else "",
                cost=place / 1000,
            )
            for place in range(1, MESSAGES_EACH + 1)
        )
        for kind, id in (("session", session.pk), ("message", messages[3].pk), ("comparison", 1)):
            Annotation.objects.using(alias).create(
                annotation_uuid=some_id(chance),
                entity_type=kind,
                entity_id=id,
                annotation_type="note",
                content=text(chance, 8),
            )


def _by_import(alias: str, chance: random.Random, size: int) -> None:
    records = []
    for number in range(size):
        messages = [
            MessageRecord(
                key=f"{number}-{place}",
                role="user" if place % 2 else "tool" if place % 4 == 0 else "assistant",
                content=text(chance) if (number, place) != (3, 2) else long_text(chance),
                timestamp=NOON + timedelta(days=1, minutes=number, seconds=place),
                tool_calls=called(chance) if place % 6 == 0 else None,
                metadata=thought(chance) if place % 5 == 0 else {},
                error_message=text(chance, 3) if place % 7 == 0 else "",
            )
            for place in range(1, MESSAGES_EACH + 1)
        ]
        records.append(
            SessionRecord(external_id=str(number), place="", messages=messages, **_session(chance))
        )
    report = storing.store((("demo", record) for record in records), using=alias)
    assert report.new == size


def _by_sql(file: str, chance: random.Random, size: int) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        for _ in range(size):
            fields = _session(chance)
            session = connection.execute(
                "INSERT INTO sessions (session_uuid, title, system_prompt, tags)"
                " VALUES (?, ?, ?, ?)",
                (some_id(chance), fields["title"], fields["system_prompt"], _json(fields["tags"])),
            ).lastrowid
            connection.executemany(
                "INSERT INTO messages (message_uuid, session_id, sequence_number, role, content,"
                " tool_calls, metadata) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        some_id(chance), session, place, "user", text(chance),
                        _json(called(chance)) if place % 6 == 0 else None,
                        _json(thought(chance)) if place % 5 == 0 else "{}",
                    )
                    for place in range(1, MESSAGES_EACH + 1)
                ],
            )  # fmt: skip


def _json(value) -> str:
    return json.dumps(value, ensure_ascii=False)
