/* phrases_intents.c - see phrases.h: what a lead wants of us. English, Spanish, Arabic. */
#include "services/orchestrator/scripted/phrases.h"

#include <stddef.h>

/* clang-format off */
const struct phrase phrases_booking[] = {
    {"have that date", NULL}, {"that date open", NULL}, {"date open", NULL}, {"date available", NULL}, {"date free", NULL}, {"ill take the", NULL}, {"ill take one", NULL}, {"ill take two", NULL}, {"well take the", NULL},
    {"la cita", NULL}, {"احجزلنا", NULL}, {"احجزي", NULL}, {"احجزوا", NULL}, {"احجزلي", NULL}, {"make a booking", NULL}, {"a booking", NULL},
    {"come monday", NULL}, {"come on monday", NULL}, {"come tuesday", NULL}, {"come on tuesday", NULL}, {"come wednesday", NULL}, {"come on wednesday", NULL}, {"come thursday", NULL}, {"come on thursday", NULL}, {"come friday", NULL}, {"come on friday", NULL}, {"come saturday", NULL}, {"come on saturday", NULL}, {"come sunday", NULL}, {"come on sunday", NULL}, {"ok come", NULL}, {"can i drop", NULL}, {"can i bring her", NULL}, {"can i bring him", NULL}, {"send me the contract", NULL}, {"send the contract", NULL}, {"send me a contract", NULL}, {"reservame", NULL}, {"reserveme", NULL}, {"reservenme", NULL}, {"apartame", NULL}, {"apartamelo", NULL},
    {"swing by", NULL}, {"pop in", NULL}, {"pop by", NULL}, {"come thru", NULL}, {"come through", NULL}, {"like to try", NULL}, {"want to try", NULL}, {"wanna try", NULL},
    {"come see", NULL}, {"come and see", NULL}, {"come check", NULL}, {"can i come in", NULL}, {"could i come in", NULL},
    {"can we come in", NULL}, {"i come in on", NULL}, {"drop her off", NULL}, {"drop him off", NULL},
    {"drop them off", NULL}, {"drop off my", NULL}, {"bring her in", NULL}, {"bring him in", NULL}, {"bring them in", NULL},
    {"are you free", NULL}, {"are u free", NULL}, {"r u free", NULL}, {"u free", NULL}, {"you guys free", NULL},
    {"are you available", NULL}, {"r u available", NULL}, {"are u available", NULL}, {"u available", NULL},
    {"you guys available", NULL}, {"any openings", NULL}, {"any slots", NULL}, {"any opening", NULL},
    {"an opening", NULL}, {"a slot", NULL}, {"open slot", NULL}, {"free slot", NULL}, {"fit us in", NULL},
    {"fit him in", NULL}, {"fit her in", NULL}, {"get me in", NULL}, {"get him in", NULL}, {"get her in", NULL},
    {"get us in", NULL}, {"sign me up", NULL}, {"sign us up", NULL}, {"sign him up", NULL}, {"sign her up", NULL},
    {"want to sign up", NULL}, {"like to sign up", NULL}, {"want to join", NULL}, {"like to join", NULL},
    {"want to enroll", NULL}, {"like to enroll", NULL}, {"count me in", NULL}, {"count us in", NULL},
    {"want to go ahead", NULL}, {"like to go ahead", NULL}, {"lets go ahead", NULL}, {"lets do it", NULL},
    {"lets do this", NULL}, {"lets book", NULL}, {"want to hire", NULL}, {"like to hire", NULL}, {"ready to start", NULL},
    {"ill take it", NULL}, {"well take it", NULL}, {"hold the date", NULL}, {"save the date", NULL},
    {"apuntarme", NULL}, {"inscribirme", NULL}, {"inscribir", NULL}, {"me apunto", NULL}, {"lo quiero", NULL},
    {"la quiero", NULL}, {"me lo llevo", NULL}, {"me la llevo", NULL}, {"quiero comprarlo", NULL},
    {"quiero comprarla", NULL}, {"disponibilidad", NULL}, {"tienen hueco", NULL}, {"tienen espacio", NULL},
    {"puedo pasar", NULL}, {"podemos pasar", NULL}, {"paso manana", NULL}, {"احجزلي", NULL}, {"احجزوا لي", NULL},
    {"سجلني", NULL}, {"سجلوني", NULL}, {"ابغي اسجل", NULL}, {"ابي اسجل", NULL}, {"عايز اسجل", NULL},
    {"متفرغين", NULL}, {"فاضيين", NULL}, {"اقدر اجي", NULL}, {"ممكن اجي", NULL}, {"ينفع اجي", NULL}, {"فيني اجي", NULL},
    {"squeeze me", NULL}, {"drop it off", NULL}, {"dropping it off", NULL}, {"bring it in", NULL}, {"bring it by", NULL}, {"can i see", NULL}, {"can we see", NULL}, {"could i see", NULL}, {"could we see", NULL}, {"see it", NULL}, {"see the place", NULL},
    {"book", NULL}, {"appointment", NULL}, {"schedule", NULL}, {"reserve", NULL},
    {"come out", NULL}, {"someone come", NULL}, {"somebody come", NULL}, {"anyone come", NULL},
    {"can you come", NULL}, {"could you come", NULL}, {"come today", NULL}, {"come tomorrow", NULL},
    {"come by", NULL}, {"come over", NULL}, {"please come", NULL}, {"send someone", NULL}, {"send somebody", NULL},
    {"set up a time", NULL}, {"set up a visit", NULL}, {"stop by", NULL}, {"fit me in", NULL}, {"see me", NULL},
    {"squeeze me in", NULL}, {"availability", NULL}, {"when can you", NULL}, {"when could you", NULL}, {"when can i come", NULL}, {"when can i bring", NULL}, {"when can i drop", NULL}, {"when can we come", NULL},
    {"a viewing", NULL}, {"a showing", NULL}, {"a visit", NULL}, {"a tour", NULL}, {"a test drive", NULL},
    {"una cita", NULL}, {"pedir cita", NULL}, {"cita para", NULL}, {"cita el", NULL}, {"turno", NULL},
    {"reservar", NULL}, {"reserva", NULL}, {"agendar", NULL}, {"programar", NULL}, {"me atiendan", NULL},
    {"me atienden", NULL}, {"pueden venir", NULL}, {"puede venir", NULL}, {"podrian venir", NULL}, {"vengan", NULL},
    {"visitarlo", NULL}, {"visitarla", NULL}, {"visitar", NULL}, {"una visita", NULL}, {"hueco para", NULL},
    {"me pueden ver", NULL}, {"verme", NULL}, {"atenderme", NULL}, {"موعد", NULL}, {"موعدا", NULL}, {"حجز", NULL}, {"احجز", NULL}, {"الحجز", NULL},
    {"زياره", NULL}, {"معاينه", NULL}, {"اتي", NULL}, {"تعالوا", NULL}, {"ارسلوا", NULL}, {"يجي", NULL},
    {"تجون", NULL}, {"ابي اشوف", NULL}, {"ابغي اشوف", NULL}, {"اقدر اشوف", NULL}, {"ممكن اشوف", NULL}, {"حاب اشوف", NULL}, {"حابب اشوف", NULL}, {"بدي اشوف", NULL}, {"اريد ان اشوف", NULL}, {"اريد اشوف", NULL}, {"نشوف", NULL}, {NULL, NULL},
};

const struct phrase phrases_deed[] = {
    {"any chance", NULL}, {"squeeze", NULL},
    {"can you do", NULL}, {"can u do", NULL}, {"could you do", NULL}, {"could u do", NULL}, {"bring", NULL},
    {"drop", NULL}, {"work for you", NULL}, {"work for u", NULL}, {"works for you", NULL}, {"ok for you", NULL},
    {"suit you", NULL}, {"le viene bien", NULL}, {"les viene bien", NULL}, {"te viene bien", NULL}, {"اجي", NULL},
    {"نجي", NULL},
    {"come", NULL}, {"fix", NULL}, {"help", NULL}, {"send", NULL}, {"get", NULL}, {"book", NULL}, {"see me", NULL},
    {"fit me", NULL}, {"repair", NULL}, {"take", NULL}, {"start", NULL}, {"someone", NULL}, {"anyone", NULL},
    {"appointment", NULL}, {"schedule", NULL}, {"do it", NULL}, {"still do", NULL}, {"done", NULL},
    {"install", NULL}, {"replace", NULL}, {"visit", NULL}, {"viewing", NULL}, {"venir", NULL}, {"vengan", NULL},
    {"arreglar", NULL}, {"arreglarlo", NULL}, {"arreglarlos", NULL}, {"arreglarla", NULL}, {"arreglan", NULL},
    {"reparar", NULL}, {"ayudar", NULL}, {"ayudarme", NULL}, {"enviar", NULL}, {"mandar", NULL}, {"atender", NULL},
    {"atenderme", NULL}, {"atienden", NULL}, {"cita", NULL}, {"visitar", NULL}, {"visitarlo", NULL},
    {"visitarla", NULL}, {"verlo", NULL}, {"hacerlo", NULL}, {"instalar", NULL}, {"يمكن", NULL}, {"يمكنكم", NULL},
    {"ممكن", NULL}, {"تصليح", NULL}, {"اصلاح", NULL}, {"مساعده", NULL}, {"موعد", NULL}, {"حجز", NULL},
    {"ترسلون", NULL}, {"تجون", NULL}, {"تركيب", NULL}, {"احتاج", NULL}, {"اريد", NULL}, {NULL, NULL},
};

const struct phrase phrases_yes[] = {
    {"yes", NULL}, {"yeah", NULL}, {"yep", NULL}, {"yup", NULL}, {"sure", NULL}, {"ok", NULL}, {"okay", NULL},
    {"please", NULL}, {"yes please", NULL}, {"please do", NULL}, {"definitely", NULL}, {"absolutely", NULL},
    {"very", NULL}, {"si", NULL}, {"claro", NULL}, {"por favor", NULL}, {"si por favor", NULL}, {"vale", NULL},
    {"dale", NULL}, {"muy", NULL}, {"نعم", NULL}, {"ايوه", NULL}, {"اي", NULL}, {"ايه", NULL}, {"اكيد", NULL},
    {"من فضلك", NULL}, {"طبعا", NULL}, {NULL, NULL},
};

const struct phrase phrases_no[] = {
    {"no", NULL}, {"nope", NULL}, {"nah", NULL}, {"not", NULL}, {"not really", NULL}, {"no not really", NULL},
    {"not at all", NULL}, {"no gracias", NULL}, {"tampoco", NULL}, {"para nada", NULL}, {"لا", NULL}, {"كلا", NULL},
    {"ليس", NULL}, {"مو", NULL}, {"مش", NULL}, {NULL, NULL},
};

const struct phrase phrases_nothing[] = {
    {"anyway", NULL}, {"pls", NULL}, {"please", NULL}, {"thx", NULL}, {"ty", NULL}, {"gracias igual", NULL},
    {"hi", NULL}, {"hello", NULL}, {"hey", NULL}, {"yes", NULL}, {"no", NULL}, {"ok", NULL}, {"okay", NULL},
    {"thanks", NULL}, {"thank you", NULL}, {"sure", NULL}, {"yes please", NULL}, {"idk", NULL}, {"not sure", NULL},
    {"i dont know", NULL}, {"yep", NULL}, {"nope", NULL}, {"cool", NULL}, {"great", NULL}, {"good", NULL},
    {"maybe", NULL}, {"hmm", NULL}, {"hm", NULL}, {"lol", NULL}, {"hola", NULL}, {"si", NULL}, {"no se", NULL},
    {"gracias", NULL}, {"vale", NULL}, {"bueno", NULL}, {"quizas", NULL}, {"مرحبا", NULL}, {"نعم", NULL},
    {"لا", NULL}, {"شكرا", NULL}, {"اهلا", NULL}, {"طيب", NULL}, {"تمام", NULL}, {"لا اعرف", NULL}, {"ممكن", NULL},
    {NULL, NULL},
};

const struct phrase phrases_polite[] = {
    {"ah", NULL}, {"oh", NULL}, {"damn", NULL}, {"omg", NULL}, {"wow", NULL}, {"k", NULL}, {"kk", NULL}, {"haha", NULL},
    {"ماشي", NULL}, {"اوك", NULL}, {"حسنا", NULL},
    {"thank", NULL}, {"you", NULL}, {"u", NULL}, {"so", NULL}, {"much", NULL}, {"very", NULL}, {"a", NULL},
    {"lot", NULL}, {"alot", NULL}, {"for", NULL}, {"your", NULL}, {"ur", NULL}, {"the", NULL}, {"that", NULL},
    {"thats", NULL}, {"help", NULL}, {"info", NULL}, {"it", NULL}, {"all", NULL}, {"is", NULL}, {"i", NULL},
    {"really", NULL}, {"appreciate", NULL}, {"appreciated", NULL}, {"perfect", NULL}, {"awesome", NULL},
    {"amazing", NULL}, {"excellent", NULL}, {"wonderful", NULL}, {"nice", NULL}, {"sounds", NULL}, {"got", NULL},
    {"alright", NULL}, {"right", NULL}, {"fine", NULL}, {"helps", NULL}, {"works", NULL}, {"will", NULL},
    {"do", NULL}, {"bye", NULL}, {"muchas", NULL}, {"mil", NULL}, {"muy", NULL}, {"amable", NULL},
    {"have", NULL}, {"day", NULL}, {"see", NULL}, {"ya", NULL}, {"take", NULL}, {"care", NULL}, {"regards", NULL},
    {"hasta", NULL}, {"luego", NULL}, {"pronto", NULL}, {"buen", NULL}, {"dia", NULL}, {"saludos", NULL},
    {"perfecto", NULL}, {"genial", NULL}, {"excelente", NULL}, {"adios", NULL}, {"جزيلا", NULL}, {"لك", NULL},
    {"لكم", NULL}, {"ممتاز", NULL}, {"رايع", NULL}, {NULL, NULL},
};

const struct phrase phrases_human[] = {
    {"in charge", NULL}, {"your boss", NULL}, {"the owner", NULL}, {"supervisor", NULL}, {"have someone", NULL}, {"have somebody", NULL}, {"su jefe", NULL}, {"el jefe", NULL}, {"المسوول", NULL},
    {"talk to a person", NULL}, {"talk to someone", NULL}, {"talk to a human", NULL}, {"talk to somebody", NULL},
    {"talk to a real", NULL}, {"speak to a person", NULL}, {"speak to someone", NULL}, {"speak to a human", NULL},
    {"speak with someone", NULL}, {"speak with a", NULL}, {"speak to somebody", NULL}, {"speak to a", NULL},
    {"talk with a", NULL}, {"talk with someone", NULL}, {"talk to an", NULL}, {"speak to an", NULL},
    {"speak with an", NULL}, {"real person please", NULL}, {"human please", NULL}, {"a human being", NULL},
    {"have someone call", NULL}, {"someone call me", NULL}, {"call me back", NULL}, {"please call me", NULL},
    {"give me a call", NULL}, {"agent call me", NULL}, {"your manager", NULL}, {"the manager", NULL},
    {"a manager", NULL}, {"representative", NULL}, {"customer service", NULL}, {"get me a human", NULL},
    {"get me a person", NULL}, {"want a human", NULL}, {"want a person", NULL}, {"need a human", NULL},
    {"need a person", NULL}, {"a real human", NULL}, {"live agent", NULL}, {"live person", NULL},
    {"operator please", NULL}, {"hablar con una persona", NULL}, {"hablar con alguien", NULL},
    {"hablar con un", NULL}, {"hablar con el", NULL}, {"hablar con la encargada", NULL},
    {"hablar con ustedes por telefono", NULL}, {"persona real", NULL}, {"un humano", NULL}, {"un ser humano", NULL},
    {"llamenme", NULL}, {"llameme", NULL}, {"me puede llamar", NULL}, {"me pueden llamar", NULL},
    {"que me llamen", NULL}, {"que alguien me llame", NULL}, {"el gerente", NULL}, {"el encargado", NULL},
    {"la encargada", NULL}, {"atencion al cliente", NULL}, {"التحدث مع", NULL}, {"اتحدث مع", NULL},
    {"اتكلم مع", NULL}, {"الكلام مع", NULL}, {"التكلم مع", NULL}, {"اكلم موظف", NULL}, {"موظف", NULL},
    {"شخص حقيقي", NULL}, {"انسان حقيقي", NULL}, {"كلموني", NULL}, {"اتصلوا بي", NULL},
    {"اتصل بي", NULL}, {"اتصلوا علي", NULL}, {"المدير", NULL}, {"خدمه العملاء", NULL}, {NULL, NULL},
};

const struct phrase phrases_greeting[] = {
    {"how r u", NULL}, {"how are you doing", NULL}, {"how are you today", NULL}, {"how are you", NULL}, {"how are u", NULL}, {"how you doing", NULL},
    {"hows it going", NULL}, {"how is it going", NULL}, {"sup", NULL}, {"whats up", NULL}, {"wassup", NULL}, {"yo", NULL},
    {"como estas", NULL}, {"como esta", NULL}, {"como estan", NULL}, {"كيف حالك", NULL}, {"كيف حالكم", NULL},
    {"كيفك", NULL}, {"كيفكم", NULL}, {"شلونك", NULL}, {"شلونكم", NULL}, {"ازيك", NULL}, {"ازيكم", NULL},
    {"وعليكم السلام", NULL}, {"هاي", NULL}, {"الو", NULL},
    {"hi", NULL}, {"hello", NULL}, {"helo", NULL}, {"hey", NULL}, {"hiya", NULL}, {"good morning", NULL},
    {"good evening", NULL}, {"good afternoon", NULL}, {"greetings", NULL}, {"howdy", NULL}, {"hola", NULL},
    {"buenas", NULL}, {"buenos dias", NULL}, {"buenas tardes", NULL}, {"buenas noches", NULL}, {"مرحبا", NULL},
    {"اهلا", NULL}, {"السلام عليكم", NULL}, {"سلام عليكم", NULL}, {"صباح الخير", NULL}, {"مساء الخير", NULL},
    {"هلا", NULL}, {NULL, NULL},
};

const struct phrase phrases_thanks[] = {
    {"يعطيكم العافيه", NULL}, {"ta", NULL}, {"grasias", NULL}, {"grax", NULL}, {"thnx", NULL}, {"thnks", NULL}, {"tks", NULL}, {"tysm", NULL}, {"thanku", NULL}, {"تسلم", NULL}, {"تسلمو", NULL}, {"يعطيك العافيه", NULL}, {"الله يعطيك العافيه", NULL}, {"thanks", NULL}, {"thank you", NULL}, {"thx", NULL}, {"ty", NULL}, {"cheers", NULL}, {"appreciate it", NULL},
    {"thank u", NULL}, {"gracias", NULL}, {"muchas gracias", NULL}, {"mil gracias", NULL}, {"شكرا", NULL},
    {"شكرا لك", NULL}, {"شكرا جزيلا", NULL}, {"مشكور", NULL}, {"مشكورين", NULL}, {NULL, NULL},
};

const struct phrase phrases_price[] = {
    {"how much", NULL}, {"hw much", NULL}, {"price", NULL},  {"prices", NULL}, {"cost", NULL},     {"costs", NULL},   {"charge", NULL}, {"rates", NULL}, {"fee", NULL},      {"cuanto", NULL},  {"precio", NULL}, {"precios", NULL}, {"tarifa", NULL},   {"بكم", NULL},     {"سعر", NULL},    {"اسعار", NULL}, {"تكلفه", NULL},    {NULL, NULL},
};

const struct phrase phrases_question[] = {
    {"what", NULL}, {"how", NULL}, {"when", NULL}, {"where", NULL}, {"who", NULL}, {"why", NULL}, {"which", NULL},
    {"do you", NULL}, {"does", NULL}, {"can you", NULL}, {"can i", NULL}, {"is", NULL}, {"are", NULL},
    {"could", NULL}, {"would", NULL}, {"will", NULL}, {"whats", NULL}, {"hows", NULL}, {"do u", NULL},
    {"any", NULL}, {"price", NULL}, {"prices", NULL}, {"cost", NULL}, {"hw much", NULL}, {"tell me", NULL},
    {"i want to know", NULL}, {"i would like to know", NULL}, {"cuanto", NULL}, {"cuando", NULL}, {"donde", NULL},
    {"que", NULL}, {"como", NULL}, {"cual", NULL}, {"cuales", NULL}, {"quien", NULL}, {"tienen", NULL},
    {"hacen", NULL}, {"puedo", NULL}, {"pueden", NULL}, {"aceptan", NULL}, {"ofrecen", NULL}, {"precio", NULL},
    {"precios", NULL}, {"informacion", NULL}, {"هل", NULL}, {"كم", NULL}, {"بكم", NULL}, {"متي", NULL},
    {"اين", NULL}, {"وين", NULL}, {"كيف", NULL}, {"ما", NULL}, {"ماذا", NULL}, {"لماذا", NULL}, {"من", NULL},
    {"ايش", NULL}, {"شو", NULL}, {"سعر", NULL}, {"can u", NULL}, {"could u", NULL}, {"are u", NULL}, {"r u", NULL},
    {"did", NULL}, {"have you", NULL}, {"may i", NULL}, {"im wondering", NULL}, {"i was wondering", NULL},
    {"i am wondering", NULL}, {"was wondering", NULL}, {"just wondering", NULL}, {"wondering", NULL},
    {"i wanted to know", NULL}, {"wanted to know", NULL}, {"want to know", NULL}, {"i need to know", NULL},
    {"i wanted to ask", NULL}, {"wanted to ask", NULL}, {"id like to know", NULL}, {"do they", NULL},
    {"queria saber", NULL}, {"quisiera saber", NULL}, {"quiero saber", NULL}, {"me gustaria saber", NULL},
    {"necesito saber", NULL}, {"queria preguntar", NULL}, {"podria decirme", NULL}, {"me puede decir", NULL},
    {"me pueden decir", NULL}, {"me podria decir", NULL}, {"es posible", NULL}, {"si aceptan", NULL},
    {"si tienen", NULL}, {"si hacen", NULL}, {"trabajan", NULL}, {"atienden", NULL}, {"abren", NULL}, 
    {"a que hora", NULL}, {"de que", NULL}, {"اريد ان اعرف", NULL}, {"حابب اعرف", NULL}, {"ابغي اعرف", NULL},
    {"وهل", NULL}, {"وكم", NULL}, {"wen", NULL}, {"wat", NULL}, {"wats", NULL}, {"wheres", NULL}, {"whens", NULL},
    {"cuales son", NULL}, {"cuanto tiempo", NULL}, {"de cuanto", NULL}, {"d cuanto", NULL}, {"se llevan", NULL}, {"llevan", NULL}, {"traen", NULL}, {"montan", NULL}, {"incluye", NULL}, {"incluyen", NULL}, {"hay que", NULL}, {"tengo que", NULL}, {"do yall", NULL}, {"can someone", NULL}, {"can somebody", NULL}, {"وينكم", NULL}, {"فينكم", NULL}, {"موقعكم", NULL}, {"عنوانكم", NULL}, {"تقبلون", NULL}, {"بتاخدو", NULL}, {"بتاخدوا", NULL}, {"في عندكن", NULL}, {"عندكن", NULL}, {"بتعملو", NULL}, {"تعملون", NULL}, {"تسوون", NULL}, {"se puede", NULL}, {"entregan", NULL}, {"venden", NULL}, {"cobran", NULL},
    {"عندكم", NULL}, {"عندك", NULL}, {"في عندكم", NULL}, {"فيه", NULL}, {"تقدرون", NULL}, {"ازاي", NULL}, {"فين", NULL},
    {"امتي", NULL}, {"قديش", NULL}, {"بكام", NULL}, {"شلون", NULL}, {"وش", NULL}, {"شنو", NULL}, {"بدي اعرف", NULL},
    {"عايز اعرف", NULL}, {"عاوز اعرف", NULL}, {"بغيت اسال", NULL}, {"ابي اعرف", NULL}, {"حابه اعرف", NULL},
    {"حاب اعرف", NULL}, {"اريد اسال", NULL}, {NULL, NULL},
};

const struct phrase phrases_opener[] = {
    {"k", NULL}, {"kk", NULL}, {"sweet", NULL}, {"nice", NULL}, {"awesome", NULL}, {"alright", NULL}, {"gotcha", NULL},
    {"got it", NULL}, {"hmm", NULL}, {"hm", NULL}, {"lol", NULL}, {"haha", NULL}, {"yo", NULL}, {"then", NULL},
    {"oye", NULL}, {"oiga", NULL}, {"mira", NULL}, {"perfecto", NULL}, {"genial", NULL}, {"entonces", NULL},
    {"تمام", NULL}, {"اوك", NULL}, {"شكرا", NULL}, {"ممتاز", NULL}, {"بس", NULL}, {"معلش", NULL}, {"لو سمحتوا", NULL},
    {"ok", NULL}, {"okay", NULL}, {"so", NULL}, {"and", NULL}, {"also", NULL}, {"but", NULL}, {"well", NULL},
    {"oh", NULL}, {"um", NULL}, {"there", NULL}, {"please", NULL}, {"pls", NULL}, {"sorry", NULL}, {"thanks", NULL},
    {"thank you", NULL}, {"great", NULL}, {"perfect", NULL}, {"cool", NULL}, 
    {"quick question", NULL}, {"question", NULL}, {"one question", NULL}, {"just", NULL}, {"y", NULL}, {"pero", NULL},
    {"bueno", NULL}, {"vale", NULL}, {"gracias", NULL}, {"una pregunta", NULL}, {"disculpe", NULL},
    {"perdon", NULL}, {"tambien", NULL}, {"طيب", NULL}, {"لو سمحت", NULL}, {"سوال", NULL}, {"عندي سوال", NULL},
    {NULL, NULL},
};

const struct phrase phrases_cancel[] = {
    {"cancel my", NULL}, {"cancel our", NULL}, {"cancel the", NULL}, {"cancel it", NULL}, {"need to cancel", NULL},
    {"want to cancel", NULL}, {"have to cancel", NULL}, {"like to cancel", NULL}, {"gotta cancel", NULL},
    {"wanna cancel", NULL}, {"cancel for", NULL}, {"cancelling my", NULL}, {"canceling my", NULL},
    {"cant make it", NULL}, {"cant make my", NULL}, {"wont make it", NULL}, {"cant come", NULL},
    {"reschedule", NULL}, {"rebook", NULL}, {"move my appointment", NULL}, {"move my booking", NULL},
    {"move our appointment", NULL}, {"move the appointment", NULL}, {"change my appointment", NULL},
    {"change the appointment", NULL}, {"change my booking", NULL}, {"change the booking", NULL},
    {"push my appointment", NULL}, {"push back my", NULL}, {"postpone", NULL}, {"cancelar mi", NULL},
    {"cancelar la", NULL}, {"cancelar el", NULL}, {"quiero cancelar", NULL}, {"necesito cancelar", NULL},
    {"anular mi", NULL}, {"anular la", NULL}, {"cambiar la cita", NULL}, {"cambiar mi cita", NULL},
    {"mover la cita", NULL}, {"mover mi cita", NULL}, {"reprogramar", NULL}, {"reagendar", NULL}, {"posponer", NULL},
    {"aplazar", NULL}, {"no puedo ir", NULL}, {"no voy a poder ir", NULL}, {"no podre ir", NULL}, {"الغي", NULL},
    {"الغاء الموعد", NULL}, {"الغاء موعد", NULL}, {"الغاء موعدي", NULL}, {"الغاء الحجز", NULL}, {"كنسل", NULL},
    {"تاجيل الموعد", NULL}, {"ااجل الموعد", NULL}, {"تغيير الموعد", NULL}, {"اغير الموعد", NULL},
    {"اغير موعدي", NULL}, {"ما اقدر اجي", NULL}, {"مش هقدر اجي", NULL}, {"ما فيني اجي", NULL}, {NULL, NULL},
};

const struct phrase phrases_own_matter[] = {
    {"is my order", NULL}, {"wheres my", NULL}, {"where is my", NULL}, {"where are my", NULL}, {"status of my", NULL},
    {"status on my", NULL}, {"update on my", NULL}, {"updates on my", NULL}, {"any news on my", NULL},
    {"news about my", NULL}, {"has my", NULL}, {"have my", NULL}, {"did you get my", NULL},
    {"did u get my", NULL}, {"did you receive my", NULL}, {"when will my", NULL}, {"when is my", NULL},
    {"when does my", NULL}, {"what time is my", NULL}, {"whats my balance", NULL}, {"my appointment confirmed", NULL},
    {"my booking confirmed", NULL}, {"track my", NULL}, {"tracking number", NULL}, {"donde esta mi", NULL},
    {"donde estan mis", NULL}, {"como va mi", NULL}, {"estado de mi", NULL}, {"cuando llega mi", NULL},
    {"cuando llegan mis", NULL}, {"a que hora es mi", NULL}, {"ya esta lista mi", NULL}, {"ya esta listo mi", NULL},
    {"وين طلبي", NULL}, {"فين طلبي", NULL}, {"اين طلبي", NULL}, {"متي موعدي", NULL}, {"متي يوصل طلبي", NULL},
    {"طلبي وصل", NULL}, {"هل طلبي", NULL}, {NULL, NULL},
};

const struct phrase phrases_own_state[] = {
    {"ready", NULL}, {"done", NULL}, {"delayed", NULL}, {"late", NULL}, {"confirmed", NULL}, {"shipped", NULL},
    {"finished", NULL}, {"approved", NULL}, {"on the way", NULL}, {NULL, NULL},
};

const struct phrase phrases_danger[] = {
    {"house is on fire", NULL}, {"caught fire", NULL}, {"its on fire", NULL},
    {"911", NULL}, {"999", NULL}, {"ambulance", NULL}, {"cant breathe", NULL}, {"cannot breathe", NULL},
    {"not breathing", NULL}, {"unconscious", NULL}, {"passed out", NULL}, {"heart attack", NULL},
    {"chest pain", NULL}, {"overdose", NULL}, {"suicide", NULL}, {"suicidal", NULL}, {"kill myself", NULL},
    {"end my life", NULL}, {"poisoned", NULL}, {"swallowed poison", NULL}, {"eyes burn", NULL}, {"eyes are burning", NULL},
    {"smell gas", NULL}, {"gas leak", NULL}, {"bleeding badly", NULL}, {"bleeding a lot", NULL},
    {"wont stop bleeding", NULL}, {"ambulancia", NULL}, {"no puede respirar", NULL}, {"no puedo respirar", NULL},
    {"inconsciente", NULL}, {"infarto", NULL}, {"suicidarme", NULL}, {"quitarme la vida", NULL}, {"fuga de gas", NULL},
    {"huele a gas", NULL}, {"se incendia", NULL}, {"hay fuego", NULL}, {"اسعاف", NULL}, {"ما يتنفس", NULL},
    {"لا يتنفس", NULL}, {"ما اقدر اتنفس", NULL}, {"انتحر", NULL}, {"تسرب غاز", NULL}, {"ريحه غاز", NULL},
    {"حريق", NULL}, {"اغمي عليه", NULL}, {NULL, NULL},
};

const struct phrase phrases_phone[] = {
    {"phone number", NULL}, {"ur number", NULL}, {"your number", NULL}, {"number to call", NULL},
    {"number i can call", NULL}, {"number can i call", NULL}, {"call you", NULL}, {"call u", NULL},
    {"numero de telefono", NULL}, {"su telefono", NULL}, {"su numero", NULL}, {"puedo llamar", NULL}, {"رقمكم", NULL},
    {"رقم التلفون", NULL}, {"رقم الهاتف", NULL}, {"رقم الجوال", NULL}, {"اتصل عليكم", NULL}, {"اتصل فيكم", NULL},
    {NULL, NULL},
};

const struct phrase phrases_vendor[] = {
    {"we help businesses", NULL}, {"we help companies", NULL}, {"we help small businesses", NULL},
    {"help you get more customers", NULL}, {"more customers for your", NULL}, {"our lead generation", NULL},
    {"introduce our", NULL}, {"introduce my company", NULL}, {"introduce you to our", NULL}, {"page 1 of google", NULL},
    {"page one of google", NULL}, {"first page of google", NULL}, {"top of google", NULL}, {"seo audit", NULL},
    {"seo services", NULL}, {"seo package", NULL}, {"rank your", NULL}, {"ranking your", NULL}, {"backlinks", NULL},
    {"guest post", NULL}, {"redesign your website", NULL}, {"grow your business", NULL}, {"boost your business", NULL},
    {"business funding", NULL}, {"business loan", NULL}, {"merchant cash", NULL}, {"pre approved for", NULL},
    {"you qualify for", NULL}, {"reply to apply", NULL}, {"you have won", NULL}, {"youve won", NULL},
    {"claim your prize", NULL}, {"win a free", NULL}, {"posicionar su", NULL}, {"posicionamiento web", NULL},
    {"hacer crecer su negocio", NULL}, {"ha ganado", NULL}, {"نقدم خدمات التسويق", NULL}, {"خدماتنا التسويقيه", NULL},
    {"ربحت جايزه", NULL}, {NULL, NULL},
};

const struct phrase phrases_job[] = {
    {"send my cv", NULL}, {"send my resume", NULL}, {"send you my cv", NULL}, {"send you my resume", NULL},
    {"are you hiring", NULL}, {"are u hiring", NULL}, {"r u hiring", NULL}, {"you guys hiring", NULL},
    {"looking for a job", NULL}, {"looking for work", NULL}, {"apply for a job", NULL}, {"job opening", NULL},
    {"job openings", NULL}, {"any jobs", NULL}, {"send cv", NULL}, 
    {"busco trabajo", NULL}, {"busco empleo", NULL}, {"mi curriculum", NULL}, {"estan contratando", NULL},
    {"ابحث عن عمل", NULL}, {"ابحث عن وظيفه", NULL}, {"ادور شغل", NULL}, {"عندكم وظايف", NULL}, {"سيرتي الذاتيه", NULL},
    {NULL, NULL},
};

const struct phrase phrases_proposal[] = {
    {"how about", NULL}, {"what about", NULL}, {"make it", NULL}, {"instead", NULL}, {"que tal", NULL},
    {"mejor el", NULL}, {"mejor a las", NULL}, {"mejor manana", NULL}, {"خليها", NULL}, {"خليه", NULL}, {"شو رايك", NULL},
    {"ايش رايك", NULL}, {NULL, NULL},
};

const struct phrase phrases_asked_within[] = {
    {"can someone", NULL}, {"can somebody", NULL}, {"can anyone", NULL}, {"could someone", NULL}, {"what do i do", NULL}, {"do yall", NULL}, {"can yall", NULL}, {"are yall", NULL}, {"do ya", NULL},
    {"do you", NULL}, {"do u", NULL}, {"do i", NULL}, {"do we", NULL}, {"does it", NULL}, {"does the", NULL},
    {"did you", NULL}, {"did u", NULL}, {"can i", NULL}, {"can we", NULL}, {"can you", NULL}, {"can u", NULL},
    {"can she", NULL}, {"can he", NULL}, {"can they", NULL}, {"could i", NULL}, {"could we", NULL},
    {"could you", NULL}, {"could u", NULL}, {"are you", NULL}, {"are u", NULL}, {"r u", NULL}, {"r you", NULL},
    {"are there", NULL}, {"is there", NULL}, {"is it", NULL}, {"will you", NULL}, {"will u", NULL}, {"will it", NULL},
    {"would you", NULL}, {"would u", NULL}, {"would it", NULL}, {"would that", NULL}, {"should i", NULL},
    {"should we", NULL}, {"may i", NULL}, {"what time", NULL}, {"what happens", NULL}, {"how long till", NULL},
    {"how long until", NULL}, {"how long does", NULL}, {"how long do", NULL}, {"how long will", NULL},
    {"how long would", NULL}, {"a que hora", NULL}, {"hasta que hora", NULL}, {"cuanto tarda", NULL},
    {"cuanto tardan", NULL}, {"cuanto seria", NULL}, {"que horario", NULL}, {"هل", NULL}, {"بكم", NULL},
    {"بكام", NULL}, {"قديش", NULL}, {"اديش", NULL}, {"كم سعر", NULL}, {"كم السعر", NULL}, {"كم تكلف", NULL},
    {"كم تكلفه", NULL}, {"كم التكلفه", NULL}, {"وين", NULL}, {"فين", NULL}, {"ايش سعر", NULL}, {"شو سعر", NULL},
    {NULL, NULL},
};

const struct phrase phrases_will[] = {
    {"will tell", NULL}, {"will let you", NULL}, {"will let u", NULL}, {"will get back", NULL}, {"will think", NULL},
    {"will call", NULL}, {"will be there", NULL}, {"will check", NULL}, {"will do", NULL}, {"will send", NULL},
    {"will ask", NULL}, {"will wait", NULL}, {"will come", NULL}, {"will text", NULL}, {NULL, NULL},
};

const struct phrase phrases_told_not_asked[] = {
    {"let me know", NULL}, {"not sure", NULL}, {"dont know", NULL}, {"do not know", NULL}, {"wish", NULL},
    {"as soon as", NULL}, {"hope", NULL}, {"glad", NULL}, {"whatever", NULL}, {"avisenme", NULL}, {"aviseme", NULL},
    {"بعد كم", NULL}, {NULL, NULL},
};

const struct phrase phrases_who_writes[] = {
    {"who is this", NULL}, {"whos this", NULL}, {"who dis", NULL}, {"who this", NULL}, {"who are you", NULL},
    {"who r u", NULL}, {"who are u", NULL}, {"who am i talking to", NULL},
    {"who am i texting", NULL}, {"whos texting me", NULL}, {"who is texting me", NULL}, {"what company is this", NULL},
    {"what business is this", NULL}, {"quien es", NULL}, {"quien eres", NULL}, {"quien habla", NULL},
    {"quienes son", NULL}, {"con quien hablo", NULL}, {"de parte de quien", NULL}, {"مين معي", NULL},
    {"من معي", NULL}, {"من انتم", NULL}, {"مين انتو", NULL}, {"مين حضرتك", NULL}, {"من انت", NULL},
    {"مين انت", NULL}, {NULL, NULL},
};

const struct phrase phrases_price_asked[] = {
    {"how much", NULL}, {"cuanto cuesta", NULL}, {"cuanto cuestan", NULL}, {"cuanto sale", NULL}, {"cuanto vale", NULL},
    {"cuanto cobran", NULL}, {"que precio", NULL}, {NULL, NULL},
};
/* clang-format on */
