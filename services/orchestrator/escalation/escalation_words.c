/* escalation_words.c - words that mean the same when somebody complains, threatens or asks for a person. */
#include "services/orchestrator/escalation/escalation_internal.h"

/* The first word names the group, in the rules too. A group that no rule names keeps a word from being taken for a slip
 * of another. */
const char *const escalation_synonyms[] = {
    /* English */
    "please pls plz plse",
    "you u ya yall",
    "your ur yr yalls",
    "lawyer lawyers attorney attorneys solicitor solicitors barrister",
    "sue suing",
    "court courts tribunal courthouse",
    "report reporting",
    "talk speak speaking talking chat chatting",
    "someone somebody anyone anybody",
    "nobody noone",
    "refund reimbursement reimburse",
    "angry furious livid pissed outraged enraged fuming mad",
    "waiting waitin",
    "hours hour hrs hr",
    "broke ruined damaged destroyed wrecked scratched flooded cracked",
    "lied lying",
    "awful worst terrible horrible horrendous lousy crappy shitty atrocious appalling dreadful abysmal",
    "robot bot chatbot machine ai",
    "dont donot",
    "didnt",
    "showed shown turned",
    "show turn",
    "want wanna",
    "going gonna",
    "call phone ring",
    "transfer connect",
    "complaint complaints",
    "human humans",
    "person persons",
    "legally",
    "lawn",
    "manages managed",
    "personal",
    "courtyard",
    "courteous courtesy",

    /* Spanish. Accents are folded away. */
    "abogado abogada abogados",
    "demandar demandarlos demandarles demandaros demandarte",
    "demando demandare demandaremos demandamos",
    "denunciar denunciarlos denunciarles denunciaros reportar reportarlos reportarles",
    "denuncio denunciare denunciaremos",
    "los les te",
    "molesto molesta molestos enojado enojada enojados furioso furiosa indignado indignada decepcionado decepcionada "
    "cabreado cabreada disgustado disgustada enfadado enfadada",
    "harto harta hartos hartas",
    "pesimo pesima nefasto nefasta",
    "dinero plata lana pasta",
    "reembolso devolucion",
    "queja reclamacion reclamo",
    "enganaron estafaron robaron mintieron timaron",
    "hablar platicar conversar",
    "paseme pasame paseneme comuniqueme comunicame comuniquenme transfierame transfiereme pongame",
    "llamenme llameme llamame llamarme marqueme marquenme",
    "llame llamen",
    "llamar marcar",
    "vino llego aparecio",
    "rompio dano danio arruino",
    "grosero grosera maleducado maleducada",

    /* Arabic */
    "ارفع سأرفع هرفع برفع نرفع سنرفع بنرفع",
    "قضية دعوى محضر بلاغ",
    "محامي محام محاميي المحامي",
    "محكمة المحكمة محاكم القضاء",
    "اشتكي سأشتكي بشتكي هشتكي نشتكي سنشتكي",
    "ابلغ سأبلغ ببلغ هبلغ سنبلغ",
    "عليكم عليك ضدكم ضدك فيكم",
    "غاضب غاضبة زعلان زعلانة معصب معصبة مستاء مستاءة محبط محبطة منزعج منزعجة",
    "نصابين نصاب حرامية لصوص كذابين كذاب محتالين محتال نصابون كاذبون فاشلين",
    "أسوأ اسوأ أسوء اسوا",
    "خدمة خدمتكم الخدمة خدماتكم شغلكم شغل شركتكم شركة تجربة عملكم معاملتكم",
    "استرجاع استرداد ارجاع",
    "رجعوا رجعولي ارجعوا رجعو",
    "فلوسي أموالي مالي نقودي فلوس",
    "كذبتم كذبتوا خدعتموني خدعتوني نصبتوا نصبتم سرقتوني سرقتم",
    "شكوى شكاية شكوه",
    "أريد اريد ابي أبي ابغى أبغى عايز عاوز بدي ودي أود",
    "ممكن يمكن",
    "التحدث أتحدث اتحدث التكلم أتكلم اتكلم الكلام الحديث احكي أحكي نتكلم",
    "أكلم اكلم كلم",
    "حولني حولوني وصلني وصلوني اربطني",
    "اتصلوا اتصل كلموني كلمني دقوا",
    "روبوت الروبوت بوت آلة اله",
    "زبالة قرف مقرفة مهزلة زفت فضيحة",
    "أحد احد حد",
    "يأت ياتي يجي جا جه يحضر حضر جاء",
    NULL,
};

const char *const escalation_compounds[] = {
    "do not = dont",
    "did not = didnt",
    "i am = im",
    "am i = ami",
    "you guys = you",
    "you people = you",
    "you all = you",
    "you are = youre",
    "no one = nobody",
    "i will = ill",
    "we will = wewill",
    "rip off = ripoff",
    "ripped off = ripoff",
    /* not "my last plumber" */
    "last week = lately",
    "last night = lately",
    "last month = lately",
    "last year = lately",
    "last time = lately",
    "last sat = lately",
    "last saturday = lately",
    "last sun = lately",
    "last sunday = lately",
    "last mon = lately",
    "last monday = lately",
    "last tue = lately",
    "last tues = lately",
    "last tuesday = lately",
    "last wed = lately",
    "last wednesday = lately",
    "last thu = lately",
    "last thurs = lately",
    "last thursday = lately",
    "last fri = lately",
    "last friday = lately",
    NULL,
};

const char *const escalation_classes[] = {
    /* English */
    "bad = ridiculous unacceptable bullshit outrageous disgrace disgraceful pathetic disgusting joke absurd shameful "
    "insulting scandalous unbelievable infuriating bs crap garbage trash rubbish sloppy awful",
    "firm = service company experience business customer support communication job work workmanship contractor "
    "plumbers",
    "insult = useless scammers scam idiots liars incompetent thieves crooks frauds fraud joke pathetic morons clowns "
    "unprofessional criminals clueless disgrace liar scammer thief crook worthless",
    "guy = guy guys plumber tech technician technicians worker workers team crew man men people employee employees "
    "driver staff electrician dentist mechanic installer contractor office",
    "broke = broke rude left mess unprofessional disrespectful yelled lied stole",
    "came = came showed called show comes shows arrived answers answered answer",
    "very = so very really extremely absolutely totally completely beyond incredibly utterly just pretty fucking",
    "people = person human someone agent representative rep manager supervisor owner people operator being "
    "employee "
    "adult",
    "threat = sue court lawyer",
    "threats = go take going taking taken see",
    "report = report reported",
    "lawdo = will says is are wants advised thinks contact contacting suggests has",
    "wronged = cheated scammed ignored insulted lied robbed ripped betrayed deceived misled",
    "goes = going will ill",
    /* Spanish */
    "insulto = inutiles inutil estafadores estafador ladrones mentirosos incompetentes idiotas sinverguenzas payasos "
    "rateros corruptos chafas verguenza broma burla robo estafa porqueria mierda",
    "persona = persona alguien humano agente encargado encargada gerente jefe jefa dueno duena supervisor supervisora "
    "asesor "
    "asesora operador operadora responsable representante ser",
    "hara = los les va se hablara contactara escribira dice esta",
    "muy = muy bien tan super realmente sumamente",
    "servicio = servicio empresa experiencia atencion trato compania",
    "tecnico = tecnico plomero fontanero trabajador empleado electricista personal equipo muchacho",
    /* Arabic */
    "shakhs = شخص موظف موظفة أحد انسان إنسان مدير المدير مسؤول مسئول بشر موظفين صاحب",
    "sayyi = سيئة سيئ سيء زفت رديئة رديء زبالة معفنة تعبانة",
    NULL,
};

const char *const escalation_fillers =
    "please thanks thank ok okay hi hello hey now asap just yes yeah no well right today again ever seriously honestly "
    "really lol "
    "porfa favor por gracias hola ya ahora senor senora "
    "رجاء شكرا مرحبا الآن لو سمحت سمحتم من فضلك فضلكم حالا يا جدا";

const char *const escalation_oaths =
    "fucking fuckin fkn effing freaking frickin damn damned goddamn bloody pinche pinches";

const char *const escalation_joints = "and but so because or y pero porque o لكن";
