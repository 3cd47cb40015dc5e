/* consent_words.c - words that mean the same when somebody opts out. See consent_internal.h. */
#include "libshared/consent_internal.h"

/* The first word names the group, in the phrases too. Frequent slips stand here; others are told by consent.c. A
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
    "text txt txts message msg mesage contact write spam harass pester bug dm disturb hassle "
    "hound badger bombard annoy",
    "texting txting textin textng messaging msging mesaging contacting writing bothering spamming harassing pestering "
    "bugging annoying disturbing txtin hassling hounding badgering bombarding nagging",
    "messages msgs texts messges mesages mssgs sms notifications communications txtmsgs textmessages spams",
    "call phone ring email mail",
    "calling phoning ringing emailing",
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
    "emails newsletter newsletters",
    "texted contacted messaged bothered spammed harassed pestered bugged disturbed hassled",
    "reminders reminder",
    "replied typed answered responded",
    "told tell telling",
    "lawyer lawyers attorney attorneys solicitor solicitors",
    "interested intrested",
    "reaching reachin",
    "report reporting reported",
    "block blocking blocked",
    "sue suing",
    "fuck fck f eff piss bugger sod",
    "off of",
    "removed deleted unsubscribed",
    "getting receiving receive get recieve recieving",
    "lose forget",
    "number num nbr cell phonenumber",
    "details information name data",
    "list lists database db system records contacts mailing distribution campaign thread",
    "consent permission authorization authorisation",
    "end",
    "send sending sendin",
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
    "molesten molestes fastidie fastidien fastidies escrivan escriva contacteis molesteis texteeis escrivais joda "
    "jodan jodas "
    "jodais chingue chinguen chingues friegue frieguen acose acosen hostigue hostiguen jorobe joroben mensajeeis "
    "spameen",
    "escribirme escribirnos contactarme contactarnos textearme molestarme molestarnos mensajearme fastidiarme escribir "
    "contactar textear molestar acosarme hostigarme joder joderme chingar fregar "
    "jorobar mensajear contactarse comunicarse fastidiar insistir",
    "mande tiren manden mandes mandeis envie envien envies envieis",
    "mandarme mandarnos enviarme enviarnos mandar enviar",
    "llame llamen llames llameis marque marquen marques",
    "llamarme llamarnos llamar",
    "dejar degar",
    "deje deja degen dejen dejes dejad dejeis dejenle",
    "pare cese cesen suspenda suspendan suspender paren parad parenle parale",
    "escribiendo molestando contactando llamando texteando chingando jodiendo fastidiando acosando hostigando "
    "jorobando "
    "mensajeando insistiendo escribiendome molestandome llamandome contactandome marcando",
    "mandando enviando mandandome enviandome",
    "sigan siga sigas sigais siguen sigue sigues seguis seguir",
    "que q k ke",
    "dar dad",
    "harto harta hartos hartas cansado cansada cansados",
    "desuscribirme desuscribir desuscribo desuscribanme desuscribeme desuscribame desapuntarme desapuntame "
    "desapuntenme "
    "desapuntadme",
    "olvide olvida olviden olvidense olvidate olvidese olvidaos pierda pierdan",
    "dije dijimos puse conteste respondi pedi",
    "denunciar reportar demandar denunciarlos reportarlos demandarlos denunciaros denunciarte denunciarles bloquearlos "
    "bloquearles bloquearos bloquearte",
    "denuncio reporto demando bloqueo",
    "este esta estos estas ese esa esos esas",
    "alto basta parar detener detenganse detengase",
    "mensajes mensages mensaje mensajitos textos msj msjs mjs mensajito whatsapps notificaciones",
    "quiero queremos kiero deseo deseamos necesito",
    "recibir resivir recivir recibiendo",
    "mas",
    "vuelva vuelvan vuelvas vuelve vuelven vuelves vuelvais volveis volver",
    "borre retire retiren retirar borra borren borrar elimine elimina eliminen eliminar quite quita quiten quitar "
    "saque saquen saca "
    "sacar remueva remuevan borrad quitad eliminad sacad desactive desactiven desactivar",
    "borreme retirenme retireme retirame bajenme bajame borrame borrenme borrarme elimineme eliminame eliminenme "
    "quiteme quitame quitenme saqueme sacame saquenme "
    "remuevame remuevanme borrenos quitenos sacarme "
    "quitarme eliminarme borradme quitadme sacadme eliminadme saquenos",
    "numero telefono celular",
    "lista listas base sistema contactos registro registros agenda",
    "darme deme dame denme darnos dadme den denos",
    /* What has happened is no wish; these would be taken for slips of the wishes. */
    "recibi recibio recibimos recibieron recibo reciben insisto insisti escribio escribi escribieron escribimos "
    "escribo escribiste "
    "mando "
    "mandaron mandado mandaste envio enviaron enviado llamo llamaron llamaste contesto contestan "
    "contestaron molesto molesta molestia borro borraron cancelo cancelaron dejo dejaron quito quitaron paro "
    "contactaron contactado bloqueado bloquea",
    "suscripcion subscripcion suscripciones",
    "dejeme dejenme dejame dejennos dejenos dejadme dejarme dejanos",
    "cancelar cancele cancelen cancela cancelenme cancelame canceleme cancelad anulen anular",

    /* Arabic, in any spelling: tables are folded as texts are. */
    "لا ما مش مو ماني مب موب لن",
    "أريد ودي اريد أبي ابغى أبغى بدي عايز عاوز أرغب نريد نرغب اود",
    "مابي مابدي مابغى مابا",
    "رسائل رسايل الرسائل الرسايل رسالة رسائلكم رسايلكم مسجات المسجات مسج رسايلك رسائلك رسايلكن رسايلكو",
    "ترسل ترسلوا ترسلون ترسلي تبعث تبعثوا تبعثون تبعت تبعتوا تبعتولي تبعثولي ترسلولي ترسلوني تبعتلي ترسلين "
    "تبعتوا تبعتيلي",
    "تراسلني تراسلوني تراسلنا تراسلونا تراسلونني تزعجني تزعجوني تزعجونا تكلموني تكلمني تحكيني تضايقوني تضايقني",
    "تكتب تكتبوا تكتبون",
    "تتواصل تتواصلوا تتواصلون",
    "تتصل تتصلوا تتصلون تدق تدقون تدقوا",
    "متبعتليش ماتبعتليش متبعتوليش ماتبعتوليش متراسلنيش ماتراسلنيش متراسلونيش ماتراسلونيش متكلمنيش ماتكلمنيش متكلمونيش "
    "ماتكلمونيش متبعتش متبعتوش ماتبعتش ماتبعتوش متبعتيش متبعتلناش متبعتولناش مترسلش مترسلوش ماترسلش ماترسلوش "
    "متراسلوناش متكلموناش متزعجنيش متزعجونيش متضايقنيش متضايقونيش متضايقوناش متدوشونيش",
    "متتصلش ماتتصلش متتصلوش ماتتصلوش",
    "يرسل يبعت يبعث يبعتلي يكلمني يكلم يراسلني يتواصل يزعجني يرسلي يتصل",
    "احد أحد حد حدا محدش ماحد ماحدا",
    "هني هنا هون هينا هنيه عندي هالرقم عهالرقم لهالرقم",
    "إذا لو ان",
    "ارسلت أرسلتم ارسلتوا ارسلتو بعت بعتوا بعتتوا بعثتوا بعتولي بعتلي راسلتموني راسلتني راسلتوني كلمتوني كلمتني "
    "تواصلتم "
    "تواصلتوا اتصلتوا",
    "فكني فكوني فكونا فكنا اعتقني اعتقوني عتقوني اعتقونا",
    "سيبني سيبوني سيبونا اتركني اتركوني اتركونا خلني خلوني خلونا خليني دعني دعوني دعونا دعوننا تركوني",
    "زهقتونا زهقتوني ازعجتونا ازعجتوني ازعجتني ازعجتنا قرفتونا قرفتوني طفشتونا غثيتونا غثيتوني صدعتونا صدعتوني صرعتونا "
    "ضايقتونا ضايقتوني ارحمونا ارحموني",
    "بحظر سأحظر هحظر احظر حظرت بحظركم بحظرك احظركم احظرك بلكتكم بلكتك",
    "شكوى شكوي بلاغ محضر دعوى قضية دعوه",
    "بشتكي اشتكي بشكي هشتكي سأشتكي ببلغ ابلغ هبلغ سأبلغ بنبلغ سأقاضيكم بقاضيكم اقاضي هقاضيكم",
    "توقف توقفوا توقفي التوقف كفوا وقف وقفوا أوقف أوقفوا أوقفي إيقاف الكف كفو",
    "بطل بطلوا بطلي",
    "مراسلتي مراسلتنا إزعاجي إزعاجنا الإزعاج إزعاج مضايقتي",
    "إرسال ارسال بعث",
    "احذف احذفوا حذف امسح امسحوا مسح اشطب اشطبوا شطب شيل شيلوا أزل أزيلوا إزالة امح امحوا امحي "
    "تحذف تمسح تشيل تشطب",
    "احذفني احذفوني ابعدني ابعدوني اشطبوني شيلوني شيلني امسحوني امسحني أزلني أزيلوني طلعوني طلعني خرجوني خرجني "
    "تشيلوني تحذفوني",
    "رقمي رقمنا",
    "قائمة القائمة قائمتكم قوائمكم القوائم قايمة القايمة قايمتكم لستة اللستة ليستة الليستة سجلات سجلاتكم",
    "اشتراك الاشتراك اشتراكي اشتراكنا",
    "إلغاء الغاء الغوا ألغوا الغ ألغ الغي",
    "كفاية كافي كفى يكفي بكفي بيكفي حاج بزيادة",
    "لي لنا",
    "التواصل تواصل",
    "عروضكم عروضك عروض إعلانات إعلاناتكم دعاية دعايات دعاياتكم",
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
    "مره تانيه = مجددا",
    "لو سمحتوا = please",
    "opted out = optout",
    "text messages = messages",
    "follow up = followup",
    "reach out = followup",
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
    "مجددا رجاء الرجاء أرجوك أرجوكم ارجو شكرا خلاص خلص مرحبا السلام عليكم يرجى تاني ثانية أبدا "
    "بقى بقا يا اخي عاد طيب";

const char *const consent_oaths =
    "fucking fuckin fkn effing freaking frickin damn damned goddamn bloody pinche pinches puto puta putos putas "
    "maldito malditos jodido jodidos";

const char *const consent_joints = "and but so because cause y pero porque لكن";

const char *const consent_classes[] = {
    /* English */
    "cease = stop quit",
    "notice = messages alerts reminders updates marketing communication solicitations advertising",
    "target = me here people",
    "weary = done enough tired sick fed finished over",
    "take = remove take pull strike drop cut cross scratch",
    "off = off from out",
    "mine = my stuff number details phone info",
    "reach = text followup contacted bother",
    "answered = said told replied texted sent wrote",
    "shut = cancel end turn switch shut disable deactivate",
    "bothered = text texted reached called added",
    "away = off away lost",
    "no = dont nolonger not never",
    /* Spanish */
    "mensajes = mensajes messages text publicidad promociones alertas correos avisos ofertas",
    "the = los las sus tus estos este el la los tantos mas de con ya",
    "aqui = aqui a por al",
    "you = los les te os",
    "dejar = deje dejar",
    "mine_es = mi mis este numero",
    "peace = paz tranquilo tranquila quieto quieta",
    "signoff = consentimiento autorizacion permiso",
    "hell = mierda verga chingada fregada porra",
    /* Arabic */
    "contacting = مراسلتي إرسال الإرسال المراسلة مراسلة التواصل تواصل رسائل",
    "again = تاني ثانية مجددا أكثر زيادة",
    "away_ar = عني عنا",
    "alone = حالي بحالي لحالي حالنا وشأني لوحدي سلام",
    "agree = أوافق اوافق أسمح اسمح أقبل",
    "file = هعملكم هعمل سأقدم بقدم برفع سأرفع أرفع هرفع راح",
    "of_you = عليكم ضدكم فيكم عنكم عليك ضدك",
    "mine_ar = رقمي بياناتي اسمي معلوماتي هالرقم",
    NULL,
};
