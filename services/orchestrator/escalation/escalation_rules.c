/* escalation_rules.c - the phrases by which leads threaten, complain and ask for a person. See libshared/wording.h. */
#include "libshared/auto.h"
#include "services/orchestrator/escalation/escalation.h"
#include "services/orchestrator/escalation/escalation_internal.h"

/* Whose trouble it is, where it is not with us. */
#define OTHERS_EN "landlord landlords tenant tenants neighbor neighbour neighbors hoa ex previous last former old"
#define OTHERS_ES "inquilino inquilina casero vecino vecina anterior antiguo"
#define OTHERS_AR "المستأجر مستأجر الجار جاري السابق القديم"
/* Who writes this is not angry. */
#define FRIENDLY_EN "cheap great love awesome lifesaver thanks thank lol haha wow perfect"

/* ---- English ---- */

static const char legal_en[] =
    "sue you, sue your, sue ?the ?this company, < sue >, ill sue, wewill sue, going to sue, will sue, have to sue, to "
    "sue >, you + getting sued, youre getting sued, you will be sued, you + be sued, going to be sued, expect a "
    "lawsuit, filing a lawsuit, file a lawsuit, lawsuit against you, a class action, you to court, see you in court, "
    "see each other in court, meet you in court, meet in court, going to court, go to court over, hear from my lawyer, "
    "hear from our lawyer, hearing from my lawyer, my lawyer will, my lawyer says you, my lawyer is going, our lawyer "
    "will, contacting my lawyer, contact my lawyer, calling my lawyer, call my lawyer, talk to my lawyer, talked to my "
    "lawyer, spoke to my lawyer, spoken to my lawyer, consult my lawyer, consulting a lawyer, consult a lawyer, have "
    "my lawyer, going to my lawyer, get a lawyer, getting a lawyer, hire a lawyer, hiring a lawyer, lawyer up, a "
    "lawyer involved, my lawyer involved, legal action, legal actions, legal proceedings, legal steps, take you to "
    "small, small claims, better business bureau, the bbb, bbb complaint, lawyer general, consumer protection, trading "
    "standards, ombudsman, report you to, report you >, report this to, report your company, file a complaint with, "
    "filing a complaint with, complaint against you, a police report, police on you, cops on you, breach of contract, "
    "press charges, pressing charges, a chargeback, dispute the charge, disputing the charge, this is fraud, licensing "
    "board about, hear about this, hear from the @threat, @threats to court, to the court about, in front of a judge, "
    "to a judge, before a judge, should sue, will sue, can sue, could sue, about suing, my lawyer @lawdo, our lawyer "
    "@lawdo, lawyer is asking, @report you to, @report you >, @report this to, the authorities about, health "
    "department, legal department will, legal team, press charges, lawyer letter, letter from my lawyer, in breach, im "
    "sue, i sue, we are sue, be sue, @report your, legal counsel, legal representation";

static const char anger_en[] =
    "this is ?@very ?@very ?a ?an ?such ?complete ?total @bad, that is ?@very ?a ?an @bad, thats ?@very ?a ?an @bad, "
    "its ?@very ?a ?an @bad, what a @bad, what a disgrace, < @bad >, awful @firm, awful customer, poor service, bad "
    "service, youre ?all ?@very ?a ?an ?just ?bunch ?of @insult, you ?are ?all ?a ?bunch of @insult, youre @insult, "
    "you + @insult, < idiots >, < scammers >, < liars >, < thieves >, < scam >, you lied, lied to me, lied to us, im "
    "?@very ?@very angry >, we are ?@very angry, @very disappointed, disappointed with your, disappointed with you, "
    "disappointed in you, didnt show, didnt even show, never showed, nobody showed, nobody came, nobody ?ever ?even "
    "called, nobody answers, nobody ?ever ?has called me, nobody got back, still nobody, still waiting for your, want "
    "my money back, want our money back, give me my money, demand my money, demand a, demand my, want a refund >, want "
    "my refund, refund me, refund my money, wasting my time, waste of my time, waste of time, wasted my, ripoff >, "
    "total ripoff, are you kidding me, you kidding me, how dare you, < wtf, what the fuck, the hell is wrong, wrong "
    "with you, fuck this, fuck you, fuck off, screw you, go to hell, piss off, fed up with you, fed up with your, fed "
    "up with this, sick of your, sick of you, sick of this company, tired of your, sick and tired, never using you, "
    "never use you, never again using, never coming back, never doing business, make a complaint, file a complaint, "
    "lodge a complaint, a complaint about, you broke, your @guy * @broke, been waiting * hours, waited * hours, been "
    "waiting all day, waiting all day, been waiting since, how i was treated, how we were treated, way i was treated, "
    "disgusted with, disgusted by, cancelled on me, second time you, third time you, third time your, second time "
    "your, your excuses, shame on you, you should be ashamed, took my money, stole my, charged me twice, overcharged "
    "me, awful @guy, work you did is, job you did is, work you did was @bad, work was @bad, service is @bad, service "
    "was @bad, your @guy * late, your @guy * drunk, your @guy never, your @guy didnt, feel @wronged, been @wronged, "
    "got @wronged, getting ignored, get ignored, ignoring me, ignored me, keep ignoring, keep getting ignored, what "
    "kind of @firm, thanks for nothing, for nothing >, last straw, @very frustrated, im frustrated, frustrated with "
    "you, frustrated with your, angry at you, angry with you, angry with your, angry about your, angry about how, run "
    "around, the runaround, no respect, so unprofessional, unprofessional >, never been so, nobody bothered, not even "
    "an apology, no apology, an apology >, apologize, zero stars, one star, 1 star, bad review, terrible review, worst "
    "review, this @firm is ?@very ?a ?an @bad, your @firm is ?@very ?a ?an @bad, upset with, upset about how, unhappy "
    "with you, unhappy with your, unhappy with how, unhappy with the @firm, not happy with you, not happy with your, "
    "not happy with the @firm, not happy with how, dissatisfied with, nobody ever answer, nobody answer, why does "
    "nobody, why is nobody, why wont you, why havent you, like you promised, as you promised, you promised me, you "
    "missed my, you missed our, you missed the, you forgot me, you forgot us, you never called, you never came, you "
    "never showed, you never answer, you never answered, you never responded, not what i paid, waste of money, got "
    "nothing, done with you, left me waiting, left us waiting, kept me waiting, you ?guys suck, you cut my, you hurt "
    "my, you ruined my, you damaged my, arrived broke, came broke, delivered broke, showed up broke, robot is @insult, "
    "robot is ?@very ?a @bad, your work sucks, your @firm sucks, arrived broken, came broken, delivered broken, want "
    "refund, this is theft, thats theft, this is robbery, still took money, telling everyone about you";

static const char human_en[] =
    "talk ?to ?with ?a ?an ?the ?your ?real ?live ?actual ?human @people, who can i talk, who do i talk, someone i can "
    "talk, someone to talk to, someone talk to me, get me ?a ?an ?the ?real @people, give me ?a ?an ?the ?real "
    "@people, want ?a ?an ?real human, want a ?real person, need a ?real human, real human please, real person please, "
    "human please, person please, a human being, a live person, live agent, live person, live human, live rep, someone "
    "?please ?to call me, someone call me, have someone call, have someone reach, someone to call, call me back, give "
    "me a call, please call me, can you call me, could you call me, can i get a call, like a call >, want a call, call "
    "me >, call me at, call me on, transfer me, put me through, person answer me, human answer, dont want to talk to a "
    "robot, dont want a robot, talk to a robot, with the robot, no robot >, rather talk to, prefer to talk, < operator "
    ">, < agent >, < human >, < representative >, < customer service >, a representative >, with a representative, "
    "with ?the ?your manager, to ?the ?your manager, reach ?a ?an ?actual @people, get ?the ?your @people to, can i "
    "talk to +, may i talk to +, could i talk to +, pass me to, hand me to, hand me over, talk to your @people, one of "
    "your @people, deal with ?a ?an ?real @people, have ?your ?the ?a @people call, have ?your ?the ?a @people "
    "contact, have ?your ?the ?a @people text, @people to contact me, @people contact me, @people to reach out, "
    "someone on the phone, anyone on the phone, phone call please, < phone call, a call back, a callback, get someone "
    "to call, @people call me, @people to call me, talk directly, directly with, a human >, talk to whoever, let me "
    "talk, get me staff, get me someone, get me somebody, a member of staff, get the owner, get your @people";

/* ---- Spanish ---- */

static const char legal_es[] =
    "voy a demandar, vamos a demandar, quiero demandar, los demando, o los demando, < demando >, una demanda >, meter "
    "una demanda, poner una demanda, saber de mi abogado, noticias de mi abogado, mi abogado se, mi abogado los, mi "
    "abogado va, mi abogado le, hable con mi abogado, hablar con mi abogado, llamar a mi abogado, llamare a mi "
    "abogado, contactar a mi abogado, acciones legales, accion legal, medidas legales, via legal, en los tribunales, "
    "en la corte, en el juzgado nos, a juicio >, vamos a juicio, voy a denunciar, vamos a denunciar, los denuncio, una "
    "denuncia >, poner una denuncia, presentar una denuncia, poner denuncia, profeco, condusef, defensa del "
    "consumidor, proteccion al consumidor, llamar a la policia, llamo a la policia, es un fraude, ante un juez, ante "
    "el juez, ante la justicia, a la corte, a los tribunales, ante los tribunales, ante la corte, mi abogado @hara, "
    "hablara con mi abogado, consultar a un abogado, consultar con un abogado, contratar un abogado, denuncia contra "
    "ustedes, denuncia en su contra, demanda contra ustedes";

static const char anger_es[] =
    "es una @insulto, es un @insulto, que @insulto, son unos @insulto, son un @insulto, son una @insulto, < "
    "estafadores >, < ladrones >, < inutiles >, pesimo @servicio, @servicio pesimo, mal servicio, peor @servicio, "
    "horrible servicio, estoy ?@muy ?@muy molesto >, nadie vino, no vino nadie, no ha venido nadie, nadie ha venido, "
    "nadie se presento, nadie contesta, exijo, devuelvan mi dinero, devuelvan el dinero, devuelvanme, quiero mi "
    "dinero, quiero mi reembolso, quiero un reembolso >, poner una queja, presentar una queja, hacer una queja, poner "
    "una reclamacion, quiero quejarme, harto de ustedes, harto de sus, harto de esta empresa, me tienen harto, esto es "
    "inaceptable, es inaceptable, < inaceptable >, falta de respeto, perder el tiempo, perder mi tiempo, perdiendo el "
    "tiempo, su @tecnico * rompio, su @tecnico * grosero, jugando conmigo, burlando de mi, se burlan de, @insulto de "
    "empresa, @insulto de servicio, me enganaron, nos enganaron, llevo * horas esperando, horas esperando, vayanse a "
    "la mierda, esto es un robo, que poca verguenza, molesto con ustedes, molesto con su, molesto con el, molesto por "
    "su, molesto por el, plantado, plantada, me dejaron esperando, cobraron de mas, me cobraron dos, cobraron por "
    "nada, gracias por nada, no sirven para nada, no vuelvo a, nunca mas los, nunca mas vuelvo, es el colmo, ya basta, "
    "ignorando, me ignoran, pague por nada, que falta de, su trabajo quedo, su trabajo es, su trabajo fue, no me han "
    "respondido, no me han contestado, nadie me responde, nadie me contesta, me siento estafado, me siento enganado, "
    "me siento estafada, me siento enganada, que asco de @servicio, no estoy contento con, no estoy contenta con, no "
    "estoy satisfecho, me llego roto, me llego rota, llego roto >, llego rota >, llego danado, llego danada, me "
    "rompieron, me arruinaron, me llego * rota, me llego * roto, nos llego * rota, nos llego * roto";

static const char human_es[] =
    "hablar ?directamente con ?una ?un ?el ?la ?su @persona, que me llame, alguien me llame, me pueden llamar, me "
    "puede llamar, me podrian llamar, puede llamarme, pueden llamenme, puede llamenme, < llamenme, llamenme al, "
    "llamenme >, paseme con, paseme a, con un humano, con un ser humano, humano por favor, hablar con un robot, no "
    "quiero un robot, atienda una @persona, atienda un @persona, conteste una @persona, responda una @persona, alguien "
    "con quien, < agente >, < humano >, < operador >, atencion al cliente, atiende ?alguna ?una ?un @persona, que ?el "
    "?la ?un ?una @persona me, algun @persona, alguna persona que, @persona de verdad, hablar directamente, hablar con "
    "ustedes >, llamen por telefono, llamar por telefono";

/* ---- Arabic ---- */

static const char legal_ar[] =
    "ارفع ?عليكم قضية, ارفع قضية, أقاضيكم, سأقاضيكم, هقاضيكم, محامي سيتواصل, محامي سيتصل, محامي هيتواصل, اتصل "
    "بالمحامي, سأتصل بالمحامي, أكلم محامي, أكلم محامي, سأكلم محامي, إجراءات قانونية, الإجراءات القانونية, خطوات "
    "قانونية, نلتقي في محكمة, اشتكي عليكم, اشتكي لحماية, حماية المستهلك, ابلغ الشرطة, ابلغ عنكم, ابلغ عليكم, في محكمة "
    ">, نشوفكم في محكمة, شكوى عليكم, قضية عليكم, إلى محكمة, عند القاضي, أمام القاضي, أمام محكمة, لدى محكمة, للشرطة "
    "عنكم, الجهات المختصة, الجهات الرسمية, بشتكي عليكم, ارفع شكوى عليكم, شكوى لوزارة, لوزارة الصحة, لوزارة التجارة";

static const char anger_ar[] =
    "غير مقبول, غير مقبولة, أسوأ خدمة, انتم نصابين, أنتم نصابين, انتو نصابين, يا نصابين, < نصابين >, أنا غاضب, غاضب "
    "?جدا منكم, أنا ?جدا غاضب, خدمة @sayyi, خدمة ?جدا @sayyi, حرام عليكم, عيب عليكم, لم يأت أحد, لم أحد يأت, ما أحد "
    "يأت, ما يأت أحد, محدش يأت, ماحد يأت, استرجاع فلوسي, رجعوا فلوسي, أريد فلوسي, هذه زبالة, هذا زبالة, كذبتم, زهقت "
    "من, طفح الكيل, تقديم شكوى, أقدم شكوى, اقدم شكوى, قلة احترام, ضيعتم وقتي, تضيعون وقتي, محبط ?جدا منكم, محبط من, ما "
    "هذا الاستهتار, استهتار, إهمال, قلة أدب, خدمة ?والله @sayyi, ضحكتوا علي, ضحكتم علي, لن أتعامل معكم, سرقتم, وقتي "
    "ضاع, انتظرت * ساعات, عمل @sayyi, تعويض, لم يرد أحد, لم يرد علي, ما أحد رد, محدش رد, لا أحد يرد";

static const char human_ar[] =
    "التحدث مع @shakhs, التحدث إلى @shakhs, أكلم @shakhs, ممكن أكلم, حولني إلى, حولني ل, حولني @shakhs, حولني على, "
    "اتصلوا بي, اتصلوا علي, اتصلوا فيني, يتصل بي أحد, يتصل بي موظف, < كلموني, التحدث مع روبوت, أريد موظف, أريد @shakhs "
    "حقيقي, أريد إنسان, خدمة العملاء, أكلم روبوت, موظف يرد, أحد يرد, أحد يكلمني, موظف يكلمني, خلي أحد, شخص يرد, مع "
    "مسؤول, مع إنسان, مع بشر, اعطني @shakhs, اعطوني @shakhs, أتحدث مع, أتكلم مع, رقم أتصل عليه, أريد أكلم, أريد التحدث "
    "مع, أريد رقم";

const struct wording_rule escalation_english[] = {
    {CAUSE_LEGAL, "en", legal_en, .before = "if he she they referred", .text = OTHERS_EN},
    {CAUSE_ANGER, "en", anger_en, .before = "not isnt if in case he she they can could",
     .next = "price leak little policy right", .text = OTHERS_EN " " FRIENDLY_EN},
    /* "Am I talking to a robot?" is answered truthfully, and asks for nobody. */
    {CAUSE_HUMAN, "en", human_en, .before = "when if until she he they wife husband did didyou ami",
     .next = "named you"},
};
const size_t escalation_n_english = COUNT_OF(escalation_english);

const struct wording_rule escalation_spanish[] = {
    {CAUSE_LEGAL, "es", legal_es, .text = OTHERS_ES},
    {CAUSE_ANGER, "es", anger_es, .before = "si", .next = "gotera fuga", .text = OTHERS_ES},
    {CAUSE_HUMAN, "es", human_es, .before = "si cuando esposa esposo"},
};
const size_t escalation_n_spanish = COUNT_OF(escalation_spanish);

const struct wording_rule escalation_arabic[] = {
    {CAUSE_LEGAL, "ar", legal_ar, .text = OTHERS_AR},
    {CAUSE_ANGER, "ar", anger_ar, .text = OTHERS_AR},
    {CAUSE_HUMAN, "ar", human_ar, .before = "إذا عندما زوجتي"},
};
const size_t escalation_n_arabic = COUNT_OF(escalation_arabic);
