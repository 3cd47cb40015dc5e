/* consent_words.c - words that mean the same when somebody opts out. See consent_internal.h. */
#include "libshared/consent_internal.h"

/* The first word names the group, in consent_rules.c too. Frequent slips stand here; others are told by consent.c. A
 * group that no phrase names keeps a real word from being taken for a slip of another (testing for texting). */
const char *const consent_synonyms[] = {
    /* English */
    "stop stpo sotp stopp stp stahp sto",
    "quit cease halt discontinue",
    "stopall",
    "unsubscribe unsubcribe unsuscribe unsubscibe unsub unsubscribing",
    "optout",
    "please pls plz plse plss plx kindly",
    "thanks thank thx ty thnx tnx tks",
    "text txt txts message msg mesage contact write bother spam harass email pester bug dm disturb",
    "texting txting textin textng messaging msging mesaging contacting writing bothering spamming harassing pestering "
    "bugging emailing annoying disturbing txtin",
    "messages msgs texts messges mesages mssgs sms notifications communications txtmsgs",
    "call phone ring",
    "calling phoning ringing",
    "me us",
    "my our",
    "your ur yr yall",
    "you u ya",
    "dont dnt donot",
    "never",
    "nolonger",
    "want wish care desire wanna",
    "need",
    "anymore",
    "remove delete erase scrub purge",
    "off of",
    "removed deleted unsubscribed",
    "getting receiving receive get recieve recieving",
    "lose forget",
    "number num nbr cell phonenumber",
    "details information name data",
    "list lists database db system records contacts mailing distribution campaign thread",
    "consent permission authorization",
    "end",
    "send sending",
    "stuff crap shit junk anything things these this those ads offers promos promotions",
    "testing tested",
    "massage massaging massages",
    "contract contracts contractor",
    "brother brothers",
    "sanding",
    "cancer",

    /* Spanish. Accents are folded away. */
    "escriba escriban escribas escribais contacte contacten contactes textee texteen textees mensajee mensajeen "
    "moleste "
    "molesten molestes fastidie fastidien fastidies escrivan escriva",
    "escribirme escribirnos contactarme contactarnos textearme molestarme molestarnos mensajearme fastidiarme escribir "
    "contactar textear molestar acosarme",
    "mande manden mandes envie envien envies",
    "mandarme mandarnos enviarme enviarnos mandar enviar",
    "llame llamen llames",
    "llamarme llamarnos llamar",
    "deje deja dejen dejar dejes",
    "pare paren",
    "alto basta parar detener detenganse detengase",
    "mensajes mensages mensaje mensajitos textos",
    "quiero queremos kiero deseo deseamos necesito",
    "recibir resivir recivir",
    "mas",
    "vuelva vuelvan vuelvas vuelve",
    "borre borra borren borrar elimine elimina eliminen eliminar quite quita quiten quitar",
    "borreme borrame borrenme borrarme elimineme eliminame eliminenme quiteme quitame quitenme saqueme sacame saquenme "
    "remuevame remuevanme borrenos quitenos",
    "numero telefono celular",
    "lista listas base sistema contactos registro registros agenda",
    "darme deme dame denme darnos",
    "suscripcion subscripcion suscripciones",
    "dejeme dejenme dejame dejennos dejenos",
    "cancelar cancele cancelen cancela",

    /* Arabic, in any spelling: tables are folded as texts are. */
    "لا ما مش مو ماني",
    "أريد اريد أبي ابغى أبغى بدي عايز عاوز أرغب نريد نرغب اود",
    "مابي مابدي مابغى",
    "رسائل رسايل الرسائل الرسايل رسالة رسائلكم رسايلكم مسجات",
    "ترسل ترسلوا ترسلون ترسلي تبعث تبعثوا تبعثون تبعت تبعتوا تبعتولي تبعثولي ترسلولي ترسلوني تبعتلي",
    "تراسلني تراسلوني تراسلنا تراسلونا تراسلونني تزعجني تزعجوني تزعجونا تكلموني تكلمني",
    "تكتب تكتبوا تكتبون",
    "تتواصل تتواصلوا تتواصلون",
    "تتصل تتصلوا تتصلون",
    "متبعتليش ماتبعتليش متبعتوليش ماتبعتوليش متراسلنيش ماتراسلنيش متراسلونيش ماتراسلونيش متكلمنيش ماتكلمنيش متكلمونيش "
    "ماتكلمونيش",
    "توقف توقفوا توقفي التوقف كفوا وقف وقفوا أوقف أوقفوا أوقفي إيقاف",
    "بطل بطلوا بطلي",
    "مراسلتي مراسلتنا إزعاجي إزعاجنا الإزعاج",
    "إرسال ارسال بعث",
    "احذف احذفوا حذف امسح امسحوا مسح اشطب اشطبوا شطب شيل شيلوا أزل أزيلوا إزالة",
    "احذفني احذفوني ابعدني ابعدوني اشطبوني شيلوني شيلني امسحوني امسحني أزلني أزيلوني",
    "رقمي رقمنا",
    "قائمة القائمة قائمتكم قوائمكم القوائم",
    "اشتراك الاشتراك اشتراكي اشتراكنا",
    "إلغاء الغاء الغوا ألغوا الغ ألغ الغي",
    "كفاية كفى يكفي",
    "لي لنا",
    "بي بنا",
    "معي معنا",
    NULL,
};

const char *const consent_compounds[] = {
    "do not = dont",
    "did you = didyou",
    "dont not = dont",
    "thanks you = thanks",
    "any more = anymore",
    "no longer = nolonger",
    "opt out = optout",
    "opting out = optout",
    "por favor = please",
    "un subscribe = unsubscribe",
    "من فضلك = please",
    "من فضلكم = please",
    "لو سمحت = please",
    "لو سمحتم = please",
    "لو سمحتي = please",
    "مرة أخرى = مجددا",
    "مرة ثانية = مجددا",
    "بعد الآن = مجددا",
    "بعد اليوم = مجددا",
    "من جديد = مجددا",
    NULL,
};

const char *const consent_fillers =
    /* English */
    "please thanks all ok okay k hey hi hello yo sir maam guys folks dude man now immediately already asap just it "
    "this "
    "anymore again ever no everyone sorry yes yeah "
    /* Spanish */
    "porfa porfavor gracias ya hola mas nunca nuevo otra vez senor senora ahora "
    /* Arabic */
    "مجددا رجاء الرجاء أرجوك أرجوكم ارجو شكرا خلاص مرحبا السلام عليكم يرجى تاني ثانية أبدا";

const char *const consent_joints = "and but so because cause y pero porque لكن";
