-- The search indexes. Those of words store no text of their own: they read it through a view.
--
--   messages_fts      words of messages: content and tools (docs/data.md)
--   sessions_fts      words of titles, descriptions, system prompts and tags
--   annotations_fts   words of notes
--   unspaced_fts      texts in scripts that put no spaces between words, by three characters
--   symbols_fts       emoji and other symbols, which are no words
--
-- The last two are for all three kinds of text, and hold only what needs them. A text is called by
-- its document number: that of a message is its id, that of a session -2 x id, that of an
-- annotation -2 x id - 1.

-- What is searched and no column has as text. `json_text` is what stands in JSON: of a message what
-- was called, what came back where that is not the content, thoughts and the error; of a session its
-- tags. `parts` are those of camelCase words, and names that end in + or #, which an index of words
-- alone cannot find: `parse HTML Text` of parseHTMLText. Only rows that have something.
-- (FTS5 cannot rebuild or check an index whose view calls json_tree: so it is kept here.)
CREATE TABLE IF NOT EXISTS search_extras (
    document INTEGER PRIMARY KEY,
    json_text TEXT,
    parts TEXT
);

-- The texts to index, from the tables alone.

CREATE VIEW messages_search_text AS
SELECT
    message.id AS document,
    message.content AS text,
    (
        SELECT group_concat(said.atom, char(10))
        FROM (
            SELECT atom FROM json_tree(message.tool_calls) WHERE type = 'text'
            UNION ALL
            SELECT atom FROM json_tree(message.function_call) WHERE type = 'text'
            UNION ALL
            SELECT atom
            FROM json_tree(
                CASE WHEN instr(message.metadata, '"tool_results"') THEN message.metadata END,
                '$.tool_results'
            )
            WHERE type = 'text'
            UNION ALL
            SELECT atom
            FROM json_tree(
                CASE WHEN instr(message.metadata, '"thinking"') THEN message.metadata END,
                '$.thinking'
            )
            WHERE type = 'text'
            UNION ALL
            SELECT message.error_message WHERE message.error_message <> ''
        ) AS said
    ) AS json_text
FROM messages AS message;

CREATE VIEW sessions_search_text AS
SELECT
    -2 * session.id AS document,
    session.id,
    session.title || char(10) || session.description || char(10) || session.system_prompt AS text,
    (
        SELECT group_concat(tag.atom, char(10))
        FROM json_tree(session.tags) AS tag
        WHERE tag.type = 'text'
    ) AS json_text
FROM sessions AS session;

-- The texts as they are indexed.

CREATE VIEW messages_search_source AS
SELECT
    message.id,
    message.message_uuid,
    session.session_uuid,
    message.content,
    message.role,
    extras.json_text AS tools,
    extras.parts
FROM messages AS message
LEFT JOIN sessions AS session ON session.id = message.session_id
LEFT JOIN search_extras AS extras ON extras.document = message.id;

CREATE VIEW sessions_search_source AS
SELECT
    session.id,
    session.title,
    session.description,
    session.system_prompt,
    extras.json_text AS tags,
    extras.parts
FROM sessions AS session
LEFT JOIN search_extras AS extras ON extras.document = -2 * session.id;

CREATE VIEW annotations_search_source AS
SELECT annotation.id, annotation.content, extras.parts
FROM annotations AS annotation
LEFT JOIN search_extras AS extras ON extras.document = -2 * annotation.id - 1;

-- The separators are emoji, signs of money and marks of direction that are younger than what SQLite
-- knows of Unicode (6.1): it would take them for letters, and miss the word that they stand beside.
CREATE VIRTUAL TABLE messages_fts USING fts5 (
    message_uuid UNINDEXED,
    session_uuid UNINDEXED,
    content,
    role UNINDEXED,
    tools,
    parts,
    content = 'messages_search_source',
    content_rowid = 'id',
    tokenize = 'porter unicode61 remove_diacritics 2 separators ''؜⁦⁧⁨⁩₺₻₼₽₾₿⃀↊↋⏴⏵⏶⏷⏸⏹⏺⏻⏼⏽⏾⏿✀⭍⭎⭏⭚⭛⭜⭝⭞⭟⭠⭡⭢⭣⭤⭥⭦⭧⭨⭩⭪⭫⭬⭭⭮⭯⭰⭱⭲⭳⭶⭷⭸⭹⭺⭻⭼⭽⭾⭿⮀⮁⮂⮃⮄⮅⮆⮇⮈⮉⮊⮋⮌⮍⮎⮏⮐⮑⮒⮓⮔⮕⮗⮘⮙⮚⮛⮜⮝⮞⮟⮠⮡⮢⮣⮤⮥⮦⮧⮨⮩⮪⮫⮬⮭⮮⮯⮰⮱⮲⮳⮴⮵⮶⮷⮸⮹⮺⮻⮼⮽⮾⮿⯀⯁⯂⯃⯄⯅⯆⯇⯈⯉⯊⯋⯌⯍⯎⯏⯐⯑⯒⯓⯔⯕⯖⯗⯘⯙⯚⯛⯜⯝⯞⯟⯠⯡⯢⯣⯤⯥⯦⯧⯨⯩⯪⯫⯬⯭⯮⯯⯰⯱⯲⯳⯴⯵⯶⯷⯸⯹⯺⯻⯼⯽⯾⯿⸼⸽⸾⸿⹀⹁⹂⹃⹄⹅⹆⹇⹈⹉⹊⹋⹌⹍⹎⹏⹐⹑⹒⹓⹔⹕⹖⹗⹘⹙⹚⹛⹜⹝🌡🌢🌣🌤🌥🌦🌧🌨🌩🌪🌫🌬🌭🌮🌯🌶🍽🍾🍿🎔🎕🎖🎗🎘🎙🎚🎛🎜🎝🎞🎟🏅🏋🏌🏍🏎🏏🏐🏑🏒🏓🏔🏕🏖🏗🏘🏙🏚🏛🏜🏝🏞🏟🏱🏲🏳🏴🏵🏶🏷🏸🏹🏺🏻🏼🏽🏾🏿🐿👁📸📽📾📿🔾🔿🕄🕅🕆🕇🕈🕉🕊🕋🕌🕍🕎🕏🕨🕩🕪🕫🕬🕭🕮🕯🕰🕱🕲🕳🕴🕵🕶🕷🕸🕹🕺🕻🕼🕽🕾🕿🖀🖁🖂🖃🖄🖅🖆🖇🖈🖉🖊🖋🖌🖍🖎🖏🖐🖑🖒🖓🖔🖕🖖🖗🖘🖙🖚🖛🖜🖝🖞🖟🖠🖡🖢🖣🖤🖥🖦🖧🖨🖩🖪🖫🖬🖭🖮🖯🖰🖱🖲🖳🖴🖵🖶🖷🖸🖹🖺🖻🖼🖽🖾🖿🗀🗁🗂🗃🗄🗅🗆🗇🗈🗉🗊🗋🗌🗍🗎🗏🗐🗑🗒🗓🗔🗕🗖🗗🗘🗙🗚🗛🗜🗝🗞🗟🗠🗡🗢🗣🗤🗥🗦🗧🗨🗩🗪🗫🗬🗭🗮🗯🗰🗱🗲🗳🗴🗵🗶🗷🗸🗹🗺🙁🙂🙃🙄🙐🙑🙒🙓🙔🙕🙖🙗🙘🙙🙚🙛🙜🙝🙞🙟🙠🙡🙢🙣🙤🙥🙦🙧🙨🙩🙪🙫🙬🙭🙮🙯🙰🙱🙲🙳🙴🙵🙶🙷🙸🙹🙺🙻🙼🙽🙾🙿🛆🛇🛈🛉🛊🛋🛌🛍🛎🛏🛐🛑🛒🛓🛔🛕🛖🛗🛘🛙🛚🛛🛜🛝🛞🛟🛠🛡🛢🛣🛤🛥🛦🛧🛨🛩🛪🛫🛬🛭🛮🛯🛰🛱🛲🛳🛴🛵🛶🛷🛸🛹🛺🛻🛼🛽🛾🛿🟠🟡🟢🟣🟤🟥🟦🟧🟨🟩🟪🟫🟬🟭🟮🟯🟰🟱🟲🟳🟴🟵🟶🟷🟸🟹🟺🟻🟼🟽🟾🟿🤀🤁🤂🤃🤄🤅🤆🤇🤈🤉🤊🤋🤌🤍🤎🤏🤐🤑🤒🤓🤔🤕🤖🤗🤘🤙🤚🤛🤜🤝🤞🤟🤠🤡🤢🤣🤤🤥🤦🤧🤨🤩🤪🤫🤬🤭🤮🤯🤰🤱🤲🤳🤴🤵🤶🤷🤸🤹🤺🤻🤼🤽🤾🤿🥀🥁🥂🥃🥄🥅🥆🥇🥈🥉🥊🥋🥌🥍🥎🥏🥐🥑🥒🥓🥔🥕🥖🥗🥘🥙🥚🥛🥜🥝🥞🥟🥠🥡🥢🥣🥤🥥🥦🥧🥨🥩🥪🥫🥬🥭🥮🥯🥰🥱🥲🥳🥴🥵🥶🥷🥸🥹🥺🥻🥼🥽🥾🥿🦀🦁🦂🦃🦄🦅🦆🦇🦈🦉🦊🦋🦌🦍🦎🦏🦐🦑🦒🦓🦔🦕🦖🦗🦘🦙🦚🦛🦜🦝🦞🦟🦠🦡🦢🦣🦤🦥🦦🦧🦨🦩🦪🦫🦬🦭🦮🦯🦰🦱🦲🦳🦴🦵🦶🦷🦸🦹🦺🦻🦼🦽🦾🦿🧀🧁🧂🧃🧄🧅🧆🧇🧈🧉🧊🧋🧌🧍🧎🧏🧐🧑🧒🧓🧔🧕🧖🧗🧘🧙🧚🧛🧜🧝🧞🧟🧠🧡🧢🧣🧤🧥🧦🧧🧨🧩🧪🧫🧬🧭🧮🧯🧰🧱🧲🧳🧴🧵🧶🧷🧸🧹🧺🧻🧼🧽🧾🧿🩰🩱🩲🩳🩴🩵🩶🩷🩸🩹🩺🩻🩼🩽🩾🩿🪀🪁🪂🪃🪄🪅🪆🪇🪈🪉🪊🪋🪌🪍🪎🪏🪐🪑🪒🪓🪔🪕🪖🪗🪘🪙🪚🪛🪜🪝🪞🪟🪠🪡🪢🪣🪤🪥🪦🪧🪨🪩🪪🪫🪬🪭🪮🪯🪰🪱🪲🪳🪴🪵🪶🪷🪸🪹🪺🪻🪼🪽🪾🪿🫀🫁🫂🫃🫄🫅🫆🫇🫈🫉🫊🫋🫌🫍🫎🫏🫐🫑🫒🫓🫔🫕🫖🫗🫘🫙🫚🫛🫜🫝🫞🫟🫠🫡🫢🫣🫤🫥🫦🫧🫨🫩🫪🫫🫬🫭🫮🫯🫰🫱🫲🫳🫴🫵🫶🫷🫸🫹🫺🫻🫼🫽🫾🫿'''
);

CREATE VIRTUAL TABLE sessions_fts USING fts5 (
    title,
    description,
    system_prompt,
    tags,
    parts,
    content = 'sessions_search_source',
    content_rowid = 'id',
    tokenize = 'porter unicode61 remove_diacritics 2 separators ''؜⁦⁧⁨⁩₺₻₼₽₾₿⃀↊↋⏴⏵⏶⏷⏸⏹⏺⏻⏼⏽⏾⏿✀⭍⭎⭏⭚⭛⭜⭝⭞⭟⭠⭡⭢⭣⭤⭥⭦⭧⭨⭩⭪⭫⭬⭭⭮⭯⭰⭱⭲⭳⭶⭷⭸⭹⭺⭻⭼⭽⭾⭿⮀⮁⮂⮃⮄⮅⮆⮇⮈⮉⮊⮋⮌⮍⮎⮏⮐⮑⮒⮓⮔⮕⮗⮘⮙⮚⮛⮜⮝⮞⮟⮠⮡⮢⮣⮤⮥⮦⮧⮨⮩⮪⮫⮬⮭⮮⮯⮰⮱⮲⮳⮴⮵⮶⮷⮸⮹⮺⮻⮼⮽⮾⮿⯀⯁⯂⯃⯄⯅⯆⯇⯈⯉⯊⯋⯌⯍⯎⯏⯐⯑⯒⯓⯔⯕⯖⯗⯘⯙⯚⯛⯜⯝⯞⯟⯠⯡⯢⯣⯤⯥⯦⯧⯨⯩⯪⯫⯬⯭⯮⯯⯰⯱⯲⯳⯴⯵⯶⯷⯸⯹⯺⯻⯼⯽⯾⯿⸼⸽⸾⸿⹀⹁⹂⹃⹄⹅⹆⹇⹈⹉⹊⹋⹌⹍⹎⹏⹐⹑⹒⹓⹔⹕⹖⹗⹘⹙⹚⹛⹜⹝🌡🌢🌣🌤🌥🌦🌧🌨🌩🌪🌫🌬🌭🌮🌯🌶🍽🍾🍿🎔🎕🎖🎗🎘🎙🎚🎛🎜🎝🎞🎟🏅🏋🏌🏍🏎🏏🏐🏑🏒🏓🏔🏕🏖🏗🏘🏙🏚🏛🏜🏝🏞🏟🏱🏲🏳🏴🏵🏶🏷🏸🏹🏺🏻🏼🏽🏾🏿🐿👁📸📽📾📿🔾🔿🕄🕅🕆🕇🕈🕉🕊🕋🕌🕍🕎🕏🕨🕩🕪🕫🕬🕭🕮🕯🕰🕱🕲🕳🕴🕵🕶🕷🕸🕹🕺🕻🕼🕽🕾🕿🖀🖁🖂🖃🖄🖅🖆🖇🖈🖉🖊🖋🖌🖍🖎🖏🖐🖑🖒🖓🖔🖕🖖🖗🖘🖙🖚🖛🖜🖝🖞🖟🖠🖡🖢🖣🖤🖥🖦🖧🖨🖩🖪🖫🖬🖭🖮🖯🖰🖱🖲🖳🖴🖵🖶🖷🖸🖹🖺🖻🖼🖽🖾🖿🗀🗁🗂🗃🗄🗅🗆🗇🗈🗉🗊🗋🗌🗍🗎🗏🗐🗑🗒🗓🗔🗕🗖🗗🗘🗙🗚🗛🗜🗝🗞🗟🗠🗡🗢🗣🗤🗥🗦🗧🗨🗩🗪🗫🗬🗭🗮🗯🗰🗱🗲🗳🗴🗵🗶🗷🗸🗹🗺🙁🙂🙃🙄🙐🙑🙒🙓🙔🙕🙖🙗🙘🙙🙚🙛🙜🙝🙞🙟🙠🙡🙢🙣🙤🙥🙦🙧🙨🙩🙪🙫🙬🙭🙮🙯🙰🙱🙲🙳🙴🙵🙶🙷🙸🙹🙺🙻🙼🙽🙾🙿🛆🛇🛈🛉🛊🛋🛌🛍🛎🛏🛐🛑🛒🛓🛔🛕🛖🛗🛘🛙🛚🛛🛜🛝🛞🛟🛠🛡🛢🛣🛤🛥🛦🛧🛨🛩🛪🛫🛬🛭🛮🛯🛰🛱🛲🛳🛴🛵🛶🛷🛸🛹🛺🛻🛼🛽🛾🛿🟠🟡🟢🟣🟤🟥🟦🟧🟨🟩🟪🟫🟬🟭🟮🟯🟰🟱🟲🟳🟴🟵🟶🟷🟸🟹🟺🟻🟼🟽🟾🟿🤀🤁🤂🤃🤄🤅🤆🤇🤈🤉🤊🤋🤌🤍🤎🤏🤐🤑🤒🤓🤔🤕🤖🤗🤘🤙🤚🤛🤜🤝🤞🤟🤠🤡🤢🤣🤤🤥🤦🤧🤨🤩🤪🤫🤬🤭🤮🤯🤰🤱🤲🤳🤴🤵🤶🤷🤸🤹🤺🤻🤼🤽🤾🤿🥀🥁🥂🥃🥄🥅🥆🥇🥈🥉🥊🥋🥌🥍🥎🥏🥐🥑🥒🥓🥔🥕🥖🥗🥘🥙🥚🥛🥜🥝🥞🥟🥠🥡🥢🥣🥤🥥🥦🥧🥨🥩🥪🥫🥬🥭🥮🥯🥰🥱🥲🥳🥴🥵🥶🥷🥸🥹🥺🥻🥼🥽🥾🥿🦀🦁🦂🦃🦄🦅🦆🦇🦈🦉🦊🦋🦌🦍🦎🦏🦐🦑🦒🦓🦔🦕🦖🦗🦘🦙🦚🦛🦜🦝🦞🦟🦠🦡🦢🦣🦤🦥🦦🦧🦨🦩🦪🦫🦬🦭🦮🦯🦰🦱🦲🦳🦴🦵🦶🦷🦸🦹🦺🦻🦼🦽🦾🦿🧀🧁🧂🧃🧄🧅🧆🧇🧈🧉🧊🧋🧌🧍🧎🧏🧐🧑🧒🧓🧔🧕🧖🧗🧘🧙🧚🧛🧜🧝🧞🧟🧠🧡🧢🧣🧤🧥🧦🧧🧨🧩🧪🧫🧬🧭🧮🧯🧰🧱🧲🧳🧴🧵🧶🧷🧸🧹🧺🧻🧼🧽🧾🧿🩰🩱🩲🩳🩴🩵🩶🩷🩸🩹🩺🩻🩼🩽🩾🩿🪀🪁🪂🪃🪄🪅🪆🪇🪈🪉🪊🪋🪌🪍🪎🪏🪐🪑🪒🪓🪔🪕🪖🪗🪘🪙🪚🪛🪜🪝🪞🪟🪠🪡🪢🪣🪤🪥🪦🪧🪨🪩🪪🪫🪬🪭🪮🪯🪰🪱🪲🪳🪴🪵🪶🪷🪸🪹🪺🪻🪼🪽🪾🪿🫀🫁🫂🫃🫄🫅🫆🫇🫈🫉🫊🫋🫌🫍🫎🫏🫐🫑🫒🫓🫔🫕🫖🫗🫘🫙🫚🫛🫜🫝🫞🫟🫠🫡🫢🫣🫤🫥🫦🫧🫨🫩🫪🫫🫬🫭🫮🫯🫰🫱🫲🫳🫴🫵🫶🫷🫸🫹🫺🫻🫼🫽🫾🫿'''
);

CREATE VIRTUAL TABLE annotations_fts USING fts5 (
    content,
    parts,
    content = 'annotations_search_source',
    content_rowid = 'id',
    tokenize = 'porter unicode61 remove_diacritics 2 separators ''؜⁦⁧⁨⁩₺₻₼₽₾₿⃀↊↋⏴⏵⏶⏷⏸⏹⏺⏻⏼⏽⏾⏿✀⭍⭎⭏⭚⭛⭜⭝⭞⭟⭠⭡⭢⭣⭤⭥⭦⭧⭨⭩⭪⭫⭬⭭⭮⭯⭰⭱⭲⭳⭶⭷⭸⭹⭺⭻⭼⭽⭾⭿⮀⮁⮂⮃⮄⮅⮆⮇⮈⮉⮊⮋⮌⮍⮎⮏⮐⮑⮒⮓⮔⮕⮗⮘⮙⮚⮛⮜⮝⮞⮟⮠⮡⮢⮣⮤⮥⮦⮧⮨⮩⮪⮫⮬⮭⮮⮯⮰⮱⮲⮳⮴⮵⮶⮷⮸⮹⮺⮻⮼⮽⮾⮿⯀⯁⯂⯃⯄⯅⯆⯇⯈⯉⯊⯋⯌⯍⯎⯏⯐⯑⯒⯓⯔⯕⯖⯗⯘⯙⯚⯛⯜⯝⯞⯟⯠⯡⯢⯣⯤⯥⯦⯧⯨⯩⯪⯫⯬⯭⯮⯯⯰⯱⯲⯳⯴⯵⯶⯷⯸⯹⯺⯻⯼⯽⯾⯿⸼⸽⸾⸿⹀⹁⹂⹃⹄⹅⹆⹇⹈⹉⹊⹋⹌⹍⹎⹏⹐⹑⹒⹓⹔⹕⹖⹗⹘⹙⹚⹛⹜⹝🌡🌢🌣🌤🌥🌦🌧🌨🌩🌪🌫🌬🌭🌮🌯🌶🍽🍾🍿🎔🎕🎖🎗🎘🎙🎚🎛🎜🎝🎞🎟🏅🏋🏌🏍🏎🏏🏐🏑🏒🏓🏔🏕🏖🏗🏘🏙🏚🏛🏜🏝🏞🏟🏱🏲🏳🏴🏵🏶🏷🏸🏹🏺🏻🏼🏽🏾🏿🐿👁📸📽📾📿🔾🔿🕄🕅🕆🕇🕈🕉🕊🕋🕌🕍🕎🕏🕨🕩🕪🕫🕬🕭🕮🕯🕰🕱🕲🕳🕴🕵🕶🕷🕸🕹🕺🕻🕼🕽🕾🕿🖀🖁🖂🖃🖄🖅🖆🖇🖈🖉🖊🖋🖌🖍🖎🖏🖐🖑🖒🖓🖔🖕🖖🖗🖘🖙🖚🖛🖜🖝🖞🖟🖠🖡🖢🖣🖤🖥🖦🖧🖨🖩🖪🖫🖬🖭🖮🖯🖰🖱🖲🖳🖴🖵🖶🖷🖸🖹🖺🖻🖼🖽🖾🖿🗀🗁🗂🗃🗄🗅🗆🗇🗈🗉🗊🗋🗌🗍🗎🗏🗐🗑🗒🗓🗔🗕🗖🗗🗘🗙🗚🗛🗜🗝🗞🗟🗠🗡🗢🗣🗤🗥🗦🗧🗨🗩🗪🗫🗬🗭🗮🗯🗰🗱🗲🗳🗴🗵🗶🗷🗸🗹🗺🙁🙂🙃🙄🙐🙑🙒🙓🙔🙕🙖🙗🙘🙙🙚🙛🙜🙝🙞🙟🙠🙡🙢🙣🙤🙥🙦🙧🙨🙩🙪🙫🙬🙭🙮🙯🙰🙱🙲🙳🙴🙵🙶🙷🙸🙹🙺🙻🙼🙽🙾🙿🛆🛇🛈🛉🛊🛋🛌🛍🛎🛏🛐🛑🛒🛓🛔🛕🛖🛗🛘🛙🛚🛛🛜🛝🛞🛟🛠🛡🛢🛣🛤🛥🛦🛧🛨🛩🛪🛫🛬🛭🛮🛯🛰🛱🛲🛳🛴🛵🛶🛷🛸🛹🛺🛻🛼🛽🛾🛿🟠🟡🟢🟣🟤🟥🟦🟧🟨🟩🟪🟫🟬🟭🟮🟯🟰🟱🟲🟳🟴🟵🟶🟷🟸🟹🟺🟻🟼🟽🟾🟿🤀🤁🤂🤃🤄🤅🤆🤇🤈🤉🤊🤋🤌🤍🤎🤏🤐🤑🤒🤓🤔🤕🤖🤗🤘🤙🤚🤛🤜🤝🤞🤟🤠🤡🤢🤣🤤🤥🤦🤧🤨🤩🤪🤫🤬🤭🤮🤯🤰🤱🤲🤳🤴🤵🤶🤷🤸🤹🤺🤻🤼🤽🤾🤿🥀🥁🥂🥃🥄🥅🥆🥇🥈🥉🥊🥋🥌🥍🥎🥏🥐🥑🥒🥓🥔🥕🥖🥗🥘🥙🥚🥛🥜🥝🥞🥟🥠🥡🥢🥣🥤🥥🥦🥧🥨🥩🥪🥫🥬🥭🥮🥯🥰🥱🥲🥳🥴🥵🥶🥷🥸🥹🥺🥻🥼🥽🥾🥿🦀🦁🦂🦃🦄🦅🦆🦇🦈🦉🦊🦋🦌🦍🦎🦏🦐🦑🦒🦓🦔🦕🦖🦗🦘🦙🦚🦛🦜🦝🦞🦟🦠🦡🦢🦣🦤🦥🦦🦧🦨🦩🦪🦫🦬🦭🦮🦯🦰🦱🦲🦳🦴🦵🦶🦷🦸🦹🦺🦻🦼🦽🦾🦿🧀🧁🧂🧃🧄🧅🧆🧇🧈🧉🧊🧋🧌🧍🧎🧏🧐🧑🧒🧓🧔🧕🧖🧗🧘🧙🧚🧛🧜🧝🧞🧟🧠🧡🧢🧣🧤🧥🧦🧧🧨🧩🧪🧫🧬🧭🧮🧯🧰🧱🧲🧳🧴🧵🧶🧷🧸🧹🧺🧻🧼🧽🧾🧿🩰🩱🩲🩳🩴🩵🩶🩷🩸🩹🩺🩻🩼🩽🩾🩿🪀🪁🪂🪃🪄🪅🪆🪇🪈🪉🪊🪋🪌🪍🪎🪏🪐🪑🪒🪓🪔🪕🪖🪗🪘🪙🪚🪛🪜🪝🪞🪟🪠🪡🪢🪣🪤🪥🪦🪧🪨🪩🪪🪫🪬🪭🪮🪯🪰🪱🪲🪳🪴🪵🪶🪷🪸🪹🪺🪻🪼🪽🪾🪿🫀🫁🫂🫃🫄🫅🫆🫇🫈🫉🫊🫋🫌🫍🫎🫏🫐🫑🫒🫓🫔🫕🫖🫗🫘🫙🫚🫛🫜🫝🫞🫟🫠🫡🫢🫣🫤🫥🫦🫧🫨🫩🫪🫫🫬🫭🫮🫯🫰🫱🫲🫳🫴🫵🫶🫷🫸🫹🫺🫻🫼🫽🫾🫿'''
);

CREATE VIRTUAL TABLE unspaced_fts USING fts5 (
    text, content = '', columnsize = 0, detail = none, tokenize = 'trigram'
);

CREATE VIRTUAL TABLE symbols_fts USING fts5 (
    text,
    content = '',
    columnsize = 0,
    detail = none,
    tokenize = 'unicode61 remove_diacritics 0 categories ''So'''
);

CREATE VIRTUAL TABLE unspaced_terms USING fts5vocab (unspaced_fts, row);

CREATE VIRTUAL TABLE symbols_terms USING fts5vocab (symbols_fts, row);

-- Where scripts without spaces are: a byte that none of their texts lacks (of Chinese, Japanese and
-- Korean it says it all, and is found much quicker than by GLOB), and which characters it may be.
CREATE VIEW unspaced_scripts (byte, pattern) AS
VALUES
    (x'E3', '*'), (x'E4', '*'), (x'E5', '*'), (x'E6', '*'), (x'E7', '*'), (x'E8', '*'),
    (x'E9', '*'), (x'EA', '*'), (x'EB', '*'), (x'EC', '*'), (x'ED', '*'),
    -- Thai and Lao; Burmese, letters of Hangul and Khmer; Chinese for compatibility and narrow
    -- Katakana; rare Chinese.
    (x'E0', '*[ก-๿຀-໿]*'),
    (x'E1', '*[က-႟ᄀ-ᇿក-៿]*'),
    (x'EF', '*[豈-﫿ｦ-ﾟ]*'),
    (x'F0', '*[𠀀-𿿽]*');

-- Procedures, as far as SQLite has them: views that one inserts into. `index_extras` puts a text
-- into the indexes that it needs beside that of words, `unindex_extras` takes it out again, for
-- which the text must be the same.

CREATE VIEW index_extras AS
SELECT NULL AS document, NULL AS text, NULL AS json_text;

CREATE VIEW unindex_extras AS
SELECT NULL AS document, NULL AS text;

CREATE TRIGGER index_extras_json INSTEAD OF INSERT ON index_extras
WHEN NEW.json_text IS NOT NULL
BEGIN
    INSERT INTO search_extras (document, json_text) VALUES (NEW.document, NEW.json_text)
    ON CONFLICT (document) DO UPDATE SET json_text = excluded.json_text;
END;

-- Words are what stands between these separators, 64 characters at the most: longer ones are data.
-- A space goes where a capital follows a small letter or a digit, and before the last of several
-- capitals that a small letter follows. + and # behind a letter or digit become words of private
-- characters. search/text.py does the same for an import, and quicker.
CREATE TRIGGER index_extras_parts INSTEAD OF INSERT ON index_extras
WHEN NEW.text GLOB '*[a-z0-9][A-Z]*'
    OR NEW.text GLOB '*[A-Z][A-Z][a-z]*'
    OR NEW.text GLOB '*[A-Za-z0-9][+#]*'
BEGIN
    INSERT INTO search_extras (document, parts)
    SELECT NEW.document, found.parts
    FROM (
        WITH RECURSIVE separated (step, text) AS (
            SELECT 1, replace(NEW.text, char(10), ' ')
            UNION ALL
            SELECT step + 1, replace(text, substr(
                char(9, 13, 34, 39, 40, 41, 44, 46, 47, 58, 59, 60, 61, 62, 91, 92, 93, 96, 123, 125),
                step, 1
            ), ' ')
            FROM separated
            WHERE step <= 20
        ),
        words (word) AS (
            SELECT DISTINCT word.value
            FROM separated,
                json_each('[' || replace(json_quote(separated.text), ' ', '","') || ']') AS word
            WHERE separated.step = 21
                AND length(word.value) <= 64
                AND (
                    word.value GLOB '*[a-z0-9][A-Z]*'
                    OR word.value GLOB '*[A-Z][A-Z][a-z]*'
                    OR word.value GLOB '*[A-Za-z0-9][+#]*'
                )
        ),
        taken_apart (word, at, parts) AS (
            SELECT word, 1, substr(word, 1, 1) FROM words
            UNION ALL
            SELECT
                word,
                at + 1,
                parts
                || CASE
                    WHEN substr(word, at, 2) GLOB '[a-z0-9][A-Z]'
                        OR substr(word, at, 3) GLOB '[A-Z][A-Z][a-z]'
                    THEN ' ' ELSE ''
                END
                || CASE
                    WHEN substr(word, at + 1, 1) IN ('+', '#')
                    THEN ' ' || char(57344 + unicode(substr(word, at + 1, 1))) || ' '
                    ELSE substr(word, at + 1, 1)
                END
            FROM taken_apart
            WHERE at < length(word)
        )
        SELECT group_concat(parts, ' ') AS parts FROM taken_apart WHERE at = length(word)
    ) AS found
    WHERE found.parts IS NOT NULL
    ON CONFLICT (document) DO UPDATE SET parts = excluded.parts;
END;

-- A text of ASCII alone has as many bytes as characters, and needs neither of the other indexes.
CREATE TRIGGER index_extras_symbols INSTEAD OF INSERT ON index_extras
WHEN length(NEW.text) < length(CAST(NEW.text AS BLOB))
BEGIN
    INSERT INTO symbols_fts (rowid, text) VALUES (NEW.document, NEW.text);
END;

-- Two line ends behind the text: so that its last two characters begin a term as well.
CREATE TRIGGER index_extras_unspaced INSTEAD OF INSERT ON index_extras
WHEN length(NEW.text) < length(CAST(NEW.text AS BLOB)) AND EXISTS (
    SELECT 1 FROM unspaced_scripts
    WHERE instr(CAST(NEW.text AS BLOB), byte) AND NEW.text GLOB pattern
)
BEGIN
    INSERT INTO unspaced_fts (rowid, text) VALUES (NEW.document, NEW.text || char(10, 10));
END;

-- Out of an index without text of its own a text goes by 'delete' and what it went in with.

CREATE TRIGGER unindex_extras_parts INSTEAD OF INSERT ON unindex_extras
BEGIN
    DELETE FROM search_extras WHERE document = NEW.document;
END;

CREATE TRIGGER unindex_extras_symbols INSTEAD OF INSERT ON unindex_extras
WHEN length(NEW.text) < length(CAST(NEW.text AS BLOB))
BEGIN
    INSERT INTO symbols_fts (symbols_fts, rowid, text)
    VALUES ('delete', NEW.document, NEW.text);
END;

CREATE TRIGGER unindex_extras_unspaced INSTEAD OF INSERT ON unindex_extras
WHEN length(NEW.text) < length(CAST(NEW.text AS BLOB)) AND EXISTS (
    SELECT 1 FROM unspaced_scripts
    WHERE instr(CAST(NEW.text AS BLOB), byte) AND NEW.text GLOB pattern
)
BEGIN
    INSERT INTO unspaced_fts (unspaced_fts, rowid, text)
    VALUES ('delete', NEW.document, NEW.text || char(10, 10));
END;

-- Messages. What a row was indexed with is read before it changes.

CREATE TRIGGER messages_insert_search AFTER INSERT ON messages
WHEN NOT EXISTS (SELECT 1 FROM bulk_load)
BEGIN
    INSERT INTO index_extras (document, text, json_text)
    SELECT document, text || COALESCE(char(10) || json_text, ''), json_text
    FROM messages_search_text WHERE document = NEW.id;
    INSERT INTO messages_fts (rowid, content, tools, parts)
    SELECT id, content, tools, parts FROM messages_search_source WHERE id = NEW.id;
END;

CREATE TRIGGER messages_delete_search BEFORE DELETE ON messages
BEGIN
    INSERT INTO messages_fts (messages_fts, rowid, content, tools, parts)
    SELECT 'delete', id, content, tools, parts FROM messages_search_source WHERE id = OLD.id;
    INSERT INTO unindex_extras (document, text)
    SELECT id, content || COALESCE(char(10) || tools, '')
    FROM messages_search_source WHERE id = OLD.id;
END;

CREATE TRIGGER messages_before_update_search
BEFORE UPDATE OF id, content, tool_calls, function_call, metadata, error_message ON messages
WHEN OLD.id IS NOT NEW.id
    OR OLD.content IS NOT NEW.content
    OR OLD.tool_calls IS NOT NEW.tool_calls
    OR OLD.function_call IS NOT NEW.function_call
    OR OLD.metadata IS NOT NEW.metadata
    OR OLD.error_message IS NOT NEW.error_message
BEGIN
    INSERT INTO messages_fts (messages_fts, rowid, content, tools, parts)
    SELECT 'delete', id, content, tools, parts FROM messages_search_source WHERE id = OLD.id;
    INSERT INTO unindex_extras (document, text)
    SELECT id, content || COALESCE(char(10) || tools, '')
    FROM messages_search_source WHERE id = OLD.id;
END;

CREATE TRIGGER messages_update_search
AFTER UPDATE OF id, content, tool_calls, function_call, metadata, error_message ON messages
WHEN OLD.id IS NOT NEW.id
    OR OLD.content IS NOT NEW.content
    OR OLD.tool_calls IS NOT NEW.tool_calls
    OR OLD.function_call IS NOT NEW.function_call
    OR OLD.metadata IS NOT NEW.metadata
    OR OLD.error_message IS NOT NEW.error_message
BEGIN
    INSERT INTO index_extras (document, text, json_text)
    SELECT document, text || COALESCE(char(10) || json_text, ''), json_text
    FROM messages_search_text WHERE document = NEW.id;
    INSERT INTO messages_fts (rowid, content, tools, parts)
    SELECT id, content, tools, parts FROM messages_search_source WHERE id = NEW.id;
END;

-- Sessions.

CREATE TRIGGER sessions_insert_search AFTER INSERT ON sessions
WHEN NOT EXISTS (SELECT 1 FROM bulk_load)
BEGIN
    INSERT INTO index_extras (document, text, json_text)
    SELECT document, text || COALESCE(char(10) || json_text, ''), json_text
    FROM sessions_search_text WHERE id = NEW.id;
    INSERT INTO sessions_fts (rowid, title, description, system_prompt, tags, parts)
    SELECT id, title, description, system_prompt, tags, parts
    FROM sessions_search_source WHERE id = NEW.id;
END;

CREATE TRIGGER sessions_delete_search BEFORE DELETE ON sessions
BEGIN
    INSERT INTO sessions_fts
        (sessions_fts, rowid, title, description, system_prompt, tags, parts)
    SELECT 'delete', id, title, description, system_prompt, tags, parts
    FROM sessions_search_source WHERE id = OLD.id;
    INSERT INTO unindex_extras (document, text)
    SELECT
        -2 * id,
        title || char(10) || description || char(10) || system_prompt
        || COALESCE(char(10) || tags, '')
    FROM sessions_search_source WHERE id = OLD.id;
END;

CREATE TRIGGER sessions_before_update_search
BEFORE UPDATE OF id, title, description, system_prompt, tags ON sessions
WHEN OLD.id IS NOT NEW.id
    OR OLD.title IS NOT NEW.title
    OR OLD.description IS NOT NEW.description
    OR OLD.system_prompt IS NOT NEW.system_prompt
    OR OLD.tags IS NOT NEW.tags
BEGIN
    INSERT INTO sessions_fts
        (sessions_fts, rowid, title, description, system_prompt, tags, parts)
    SELECT 'delete', id, title, description, system_prompt, tags, parts
    FROM sessions_search_source WHERE id = OLD.id;
    INSERT INTO unindex_extras (document, text)
    SELECT
        -2 * id,
        title || char(10) || description || char(10) || system_prompt
        || COALESCE(char(10) || tags, '')
    FROM sessions_search_source WHERE id = OLD.id;
END;

CREATE TRIGGER sessions_update_search
AFTER UPDATE OF id, title, description, system_prompt, tags ON sessions
WHEN OLD.id IS NOT NEW.id
    OR OLD.title IS NOT NEW.title
    OR OLD.description IS NOT NEW.description
    OR OLD.system_prompt IS NOT NEW.system_prompt
    OR OLD.tags IS NOT NEW.tags
BEGIN
    INSERT INTO index_extras (document, text, json_text)
    SELECT document, text || COALESCE(char(10) || json_text, ''), json_text
    FROM sessions_search_text WHERE id = NEW.id;
    INSERT INTO sessions_fts (rowid, title, description, system_prompt, tags, parts)
    SELECT id, title, description, system_prompt, tags, parts
    FROM sessions_search_source WHERE id = NEW.id;
END;

-- Annotations.

CREATE TRIGGER annotations_insert_search AFTER INSERT ON annotations
BEGIN
    INSERT INTO index_extras (document, text) VALUES (-2 * NEW.id - 1, NEW.content);
    INSERT INTO annotations_fts (rowid, content, parts)
    SELECT id, content, parts FROM annotations_search_source WHERE id = NEW.id;
END;

CREATE TRIGGER annotations_delete_search BEFORE DELETE ON annotations
BEGIN
    INSERT INTO annotations_fts (annotations_fts, rowid, content, parts)
    SELECT 'delete', id, content, parts FROM annotations_search_source WHERE id = OLD.id;
    INSERT INTO unindex_extras (document, text) VALUES (-2 * OLD.id - 1, OLD.content);
END;

CREATE TRIGGER annotations_before_update_search BEFORE UPDATE OF id, content ON annotations
WHEN OLD.id IS NOT NEW.id OR OLD.content IS NOT NEW.content
BEGIN
    INSERT INTO annotations_fts (annotations_fts, rowid, content, parts)
    SELECT 'delete', id, content, parts FROM annotations_search_source WHERE id = OLD.id;
    INSERT INTO unindex_extras (document, text) VALUES (-2 * OLD.id - 1, OLD.content);
END;

CREATE TRIGGER annotations_update_search AFTER UPDATE OF id, content ON annotations
WHEN OLD.id IS NOT NEW.id OR OLD.content IS NOT NEW.content
BEGIN
    INSERT INTO index_extras (document, text) VALUES (-2 * NEW.id - 1, NEW.content);
    INSERT INTO annotations_fts (rowid, content, parts)
    SELECT id, content, parts FROM annotations_search_source WHERE id = NEW.id;
END;
