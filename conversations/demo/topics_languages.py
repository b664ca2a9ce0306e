"""Languages other than English: German, Spanish, Japanese, Arabic."""
# ruff: noqa: RUF001

from __future__ import annotations

from .topic import Topic

GERMAN = Topic(
    titles=(
        "Übersetzung: Fehlermeldungen für «bereich»",
        "Deutsche Texte für «bereich»",
        "Höflich, aber kurz: «bereich»",
    ),
    tags=("translation", "writing"),
    projects=("Docs and website", "Mobile app"),
    prompts=("translator",),
    slots={
        "bereich": ("die Kasse", "die Anmeldung", "den Newsletter", "die Suche"),
        "wort": ("Warenkorb", "Konto", "Gutschein"),
    },
    text=r"""
%% ask
Bitte übersetze diese Meldungen ins Deutsche, für «bereich» in unserem Shop. Wir siezen, und die
Platzhalter müssen bleiben:

1. Something went wrong. Please try again.
2. Your card was declined by {bank}.
3. {count} items could not be saved.
%% answer
| Englisch | Deutsch |
|---|---|
| Something went wrong. Please try again. | Das hat nicht geklappt. Bitte versuchen Sie es erneut. |
| Your card was declined by {bank}. | Ihre Karte wurde von {bank} abgelehnt. |
| {count} items could not be saved. | {count} Artikel konnten nicht gespeichert werden. |

Zur dritten Zeile: Bei genau einem Artikel muss es „konnte“ heißen. Wenn Ihr System Pluralformen
kennt, legen Sie bitte zwei Texte an.
%% ask
Ist „abgelehnt“ nicht zu hart? Manche Kunden rufen danach ganz aufgelöst an.
%% answer
Sie können die Härte herausnehmen, ohne ungenau zu werden:

> Die Zahlung mit dieser Karte war nicht möglich. Ihre Bank kann Ihnen den Grund nennen. Sie können
> auch eine andere Zahlungsart wählen.

Das sagt, was passiert ist, wer mehr weiß und wie es weitergeht. Die Bank gehört dann nicht mehr in
den ersten Satz.
%% ask
Wie schreiben wir „«wort»“ in Schaltflächen: mit Verb oder ohne?
%% answer
Mit Verb, und das Verb am Ende:

- „«wort» öffnen“
- „«wort» löschen“
- „Zurück zur Übersicht“

Ein einzelnes Hauptwort taugt für Überschriften und Reiter. Auf einer Schaltfläche will man wissen,
was geschieht. Achten Sie auf die Länge: Deutsch braucht ungefähr ein Drittel mehr Platz.
""",
)

SPANISH = Topic(
    titles=(
        "Traducción: correo para «cliente»",
        "Texto en español para «cliente»",
        "¿Tú o usted? Correo a «cliente»",
    ),
    tags=("translation", "writing"),
    projects=("Docs and website", "Personal"),
    prompts=("translator",),
    slots={
        "cliente": ("un cliente de Sevilla", "una clienta de Bogotá", "un socio de México"),
        "dia": ("el lunes", "el jueves", "el viernes"),
    },
    text=r"""
%% ask
Necesito este correo en español para «cliente»: "Thanks for your patience. Your order left our
warehouse today and should reach you by Thursday. Here is the tracking link: {link}". Cercano, pero
profesional.
%% answer
> Hola:
>
> Muchas gracias por su paciencia. Su pedido ha salido hoy de nuestro almacén y debería llegarle
> antes del jueves. Puede seguir el envío aquí: {link}
>
> Un saludo cordial

Dos decisiones que conviene revisar:

- **usted**: más seguro con quien no conocemos; en España muchas tiendas ya tutean.
- **ha salido**: en América suena más natural *salió*.
%% ask
¿Y si escribo a alguien que nos tutea?
%% answer
> ¡Hola!
>
> Gracias por tu paciencia. Tu pedido salió hoy de nuestro almacén y te llegará «dia» a más tardar.
> Aquí puedes seguir el envío: {link}
>
> Un abrazo

«dia» va en minúscula: los días de la semana no llevan mayúscula en español.
%% ask
¿Cómo explico que el paquete se perdió sin echar la culpa a nadie?
%% answer
> El paquete no aparece en el sistema de transporte desde hace cinco días. No queremos hacerle
> esperar más: hoy mismo le enviamos otro, sin ningún coste. Si el primero llegara después, puede
> quedárselo.

Empieza por el hecho, sigue con la solución y termina con un detalle amable.
""",
)

JAPANESE = Topic(
    titles=(
        "日本語訳: 「«gamen»」画面の文言",
        "Japanese texts for the «screen» screen",
        "「«gamen»」画面の敬語の確認",
    ),
    tags=("translation",),
    projects=("Mobile app", "Docs and website"),
    prompts=("translator",),
    is_paired=True,
    slots={
        "gamen": ("ログイン", "設定", "お支払い"),
        "screen": ("sign-in", "settings", "payment"),
    },
    text=r"""
%% ask
Please translate these three texts of the «screen» screen into Japanese, polite but short:

- Save changes?
- Your password must have at least {n} characters.
- No connection. We will try again.
%% answer
| English | 日本語 |
|---|---|
| Save changes? | 変更を保存しますか？ |
| Your password must have at least {n} characters. | パスワードは{n}文字以上で入力してください。 |
| No connection. We will try again. | 接続できません。自動的に再試行します。 |

- {n} の前後に空白は入れません。
- 「ください」は丁寧で、画面の文言として自然です。
- 最後の文では主語を省きました。日本語では「私たち」を書かない方が自然です。
%% ask
「お客様」と「ユーザー」では、どちらがよいですか。
%% answer
場面によって使い分けるのがおすすめです。

1. 購入や支払いの画面では「お客様」
2. 設定やヘルプでは「ユーザー」または主語なし
3. エラー文では、どちらも使わずに何をすればよいかだけを書く

例:「カード番号をもう一度ご確認ください。」
%% ask
The button is too narrow for 変更を保存する. Anything shorter?
%% answer
「保存」だけで十分です。 Two characters, and everybody knows the button. Keep the long form
for the title of the dialog, where it answers *what* is saved. For cancelling, 「キャンセル」 is
usual; 「戻る」 means going back without a question.
""",
)

ARABIC = Topic(
    titles=(
        "ترجمة: رسائل «matter»",
        "Arabic texts for «topic», right to left",
        "نص عربي قصير: «matter»",
    ),
    tags=("translation", "frontend"),
    projects=("Docs and website", "Mobile app"),
    prompts=("translator",),
    is_paired=True,
    slots={
        "matter": ("الطلبات", "الدفع", "الحساب"),
        "topic": ("orders", "payment", "the account page"),
    },
    text=r"""
%% ask
We open the shop in the Gulf. Please translate into Arabic, for «topic»:

- Your order {id} is on its way.
- Pay now
- You have {count} new messages.
%% answer
| English | العربية |
|---|---|
| Your order {id} is on its way. | طلبك رقم {id} في الطريق إليك. |
| Pay now | ادفع الآن |
| You have {count} new messages. | لديك {count} رسائل جديدة. |

The third line needs care. Arabic has six plural forms: رسالة واحدة for one, رسالتان for two, رسائل
from three to ten, رسالة again from eleven on. Use ICU plurals and not one text with a number in it.
%% ask
What do we have to change in the layout?
%% answer
- `<html lang="ar" dir="rtl">`, and let the browser do the rest
- logical properties: `margin-inline-start`, not `margin-left`
- mirror arrows and progress, but **not** play buttons, clocks or logos
- put each user's text into an element with `dir="auto"`
- order numbers in `<bdi>`, otherwise the digits jump to the wrong end of the line
%% ask
كيف نكتب رسالة اعتذار قصيرة عن تأخر الشحن؟
%% answer
> نعتذر عن تأخر وصول طلبك. سيصل خلال يومين، وقد أعدنا إليك رسوم الشحن كاملة. شكرًا لصبرك وثقتك بنا.

الرسالة قصيرة ومهذبة: اعتذار، ثم موعد جديد، ثم تعويض. ويمكن حذف الجملة الأخيرة إن كانت المساحة ضيقة.
""",
)

TOPICS = (GERMAN, SPANISH, JAPANESE, ARABIC)
