/* consent_english.c - the phrases by which people opt out and in, in English. See consent_internal.h. */
#include "libshared/auto.h"
#include "libshared/consent_internal.h"

#define NEGATED_EN "dont didnt cant cannot couldnt wont wouldnt never why when didyou havent unless until"

#define TIMES_EN                                                                                               \
    "before after until till while during when unless if today tonight tomorrow night nights morning weekend " \
    "weekends "                                                                                                \
    "now yet early late monday tuesday wednesday thursday friday saturday sunday"

#define ASKED_EN "why if when they he she nobody who did"

#define WHAT_EN "the a an your his her their address code price photos pictures pics back my work"

#define OTHER_LIST                                                                                           \
    "waiting wait waitlist schedule policy slot insurance lease loan title deed instead and monday tuesday " \
    "wednesday thursday friday saturday sunday tomorrow today email emails photo picture newsletter"

#define CONTACT_EN "text texting texted messages call calling stop quit send sending number unsubscribe remove"

#define THREAT_EN "lawyer police cops cop sue lawsuit harassment authorities ftc fcc ofcom ico complaint tcpa"

static const char stop_texting[] =
    "stop texting me, stop texting my, stop texting this, stop texting here, stop texting it, < stop texting >, < stop "
    "text >, you to stop texting >, you stop texting >, you to stop text >, stop calling and texting me, stop calling "
    "or texting me, stop texting and calling me, stop texting or calling me, stop send me >, stop send me stuff, stop "
    "send * messages, stop send me text, stop ?with ?all ?of ?the ?your ?stuff ?text messages, stop blowing up my, "
    "stop reaching out, stop following up, < stop ?the ?your ?stuff text >, stop hitting me up, stop trying to text "
    "me, < stop texting you, < quit texting you, quit texting me, quit texting my, quit texting stuff, quit texting "
    "here, < quit texting >, quit send me >, "
    "quit send me stuff, quit send * messages, quit ?with ?all ?the ?your ?stuff ?text messages, quit blowing up my, "
    "quit hitting me up, quit calling and texting me, quit and desist, quit all text, quit all communication, stop all "
    "text, stop all communication, refrain from texting";

static const char texting_at_the_end[] = "stop texting >, quit texting >";

static const char stop_calling[] = "stop calling me, stop calling my, stop calling this, < stop calling >, quit "
                                   "calling me, dont call me, never call me";

static const char told_to_stop[] =
    "said stop >, you to stop >, you stop >, please end >, you to stopall >, make it stop >, make stuff stop >, stuff "
    "needs to stop >, messages needs to stop, messages need to stop, texting needs to stop, make ?stuff ?the ?text "
    "messages stop, please no more >, stop it >, want it to stop >, want to optout >, to unsubscribe >, please quit >";

static const char dont_text[] =
    "s t o p, dont text again >, dont text anymore >, dont ?ever ?please text me, dont ?ever ?please text this, dont "
    "text my number, dont text my phone, dont text "
    "here, < dont text >, < never text >, never ?ever text me, never text this, not to text me, you not text me, dont "
    "reply to me, dont respond to me, dont reply to stuff number, dont hit me up, dont ?ever send me ?any ?more "
    "messages, dont send * messages, "
    "rather you didnt text, dont send me any ?more stuff, dont send me anymore stuff, rather not be text, rather not "
    "be texted, rather not be contacted, dont call or text, dont text or call, dont send me stuff, dont send me "
    "anymore";

static const char no_more[] = "no more ?of ?stuff ?your ?text messages, no more texting, < no ?text messages >, < no "
                              "texting >, enough ?with ?the messages, enough texting";

static const char unsubscribe[] =
    "unsubscribe me, unsubscribe >, unsubscribe from ?all ?of ?stuff ?your ?the ?any ?text messages, unsubscribe from "
    "?all ?your ?the ?stuff list, unsubscribe from all >, unsubscribe from stuff >, unsubscribe stuff number, "
    "unsubscribe my number, optout of ?receiving ?getting ?all ?stuff ?your ?the ?any ?text messages, optout from * "
    "messages, optout of stuff >, opt me out, optout of all >, want to optout of text";

static const char off_the_list[] =
    "remove me >, remove me from * list, remove me off * list, remove me from * messages, remove me from your, remove "
    "me from stuff, take me off >, take me off your, take me off stuff, take me off * list, take me off * messages, "
    "get me off * list, get me off your, get me off stuff >, get me off stuff thing, get me out of * list, taken off * "
    "list, be taken off >, be taken off your, be "
    "removed from * list, be removed from your, be removed >, want off * list, take my number off, take stuff number "
    "off, remove my number, remove stuff number, remove my info, remove my details, remove my phone, remove * number "
    "from * list, lose my number, lose stuff number, take my info off, take my details off";

static const char not_wanted[] =
    "dont want * messages, nolonger want * messages, dont need your messages, dont need any ?more messages, dont need "
    "anymore messages, nolonger need * messages, not want * messages, dont want * messages from you, dont want you "
    "texting, dont want you to text me, dont want you text me, dont want to be text, dont want to be texted, dont want "
    "to be contacted, not want to be contacted, nolonger want to be contacted, nolonger want to be texted, dont want "
    "to hear from, nolonger want to hear from, not want to hear from, rather not receive * messages, dont like getting "
    "* messages";

static const char getting[] = "stop getting * messages, to stop getting stuff >, nolonger be texted, quit getting * "
                              "messages, dont want to be getting";

static const char alone[] = "leave me alone, leave me the hell alone, < go away >, < get lost";

static const char revoked[] =
    "revoke ?my ?all ?any consent, withdraw ?my ?all ?any consent, dont have my consent, if you dont stop texting, "
    "told you to stop texting, dont consent to, nolonger consent, do not call list, dont call list, end ?all ?of "
    "?stuff ?the ?your ?text messages, cancel ?all ?of ?stuff ?the ?my ?your ?text messages, cancel ?the ?my ?stuff "
    "text alerts, cancel ?the ?my ?stuff text subscription, end stuff conversation, end stuff chat";

static const char stop_pestering[] =
    "@cease ?with ?all ?of ?the ?your ?stuff + @notice, @cease send >, will you stop >, would you "
    "stop >, you need to stop >, no need to keep texting, no need to text me again, no need to text me anymore, no "
    "need to text me further, @cease texting @target, @cease texting stuff >, @cease texting digits, @cease calling "
    "and texting, @cease send stuff >, @cease send me ?any ?more stuff, @cease send * @notice, @cease ?with ?all ?of "
    "?the ?your ?stuff ?text @notice, @cease asking >, @cease asking me, @cease trying to @reach, @cease trying to "
    "sell, @cease it with * messages, @cease it with ?all ?the ?your ?stuff text, @cease blowing up, @cease hitting "
    "me, you can stop >, stop already >";

static const char enough[] =
    "no more + @notice, no more text >, < no text >, @weary with you >, done talking >, @weary with ?all ?the ?your "
    "?stuff + @notice, no more ?of ?your ?the ?stuff ?text @notice, no more ?of ?your ?the stuff >, no more ?of ?your "
    "?the ?stuff text >, no further @notice, no further text, no more from you, nothing more from you, nothing further "
    "from you, nothing else from you, @weary with ?all ?the ?your ?stuff ?text @notice, @weary up with ?all ?the ?your "
    "?stuff ?text @notice, @weary up with ?all ?the ?your ?stuff text >, @weary of ?getting ?all ?the ?your ?stuff "
    "?text @notice, @weary of ?getting ?all ?the ?your ?stuff text >, @weary of getting stuff, @weary of hearing from, "
    "@weary of you texting, too many @notice >, knock it off, knock stuff off >, cut it out >, cut it out with, give "
    "it a rest, pack it in";

static const char never_contact[] =
    "you not send me >, you not send * messages, dont get in touch >, dont get in touch with me, dont text or call, "
    "dont call or text, dont text and call, dont call and text, prefer no text, dont ?ever ?please @reach ?to @target, "
    "dont ?ever followup >, dont ?ever followup with me, dont text digits, dont send ?me ?any ?more stuff to @mine, "
    "dont send ?me ?any ?more ?stuff to stuff number, dont send ?me stuff more, dont send ?me stuff else, dont send "
    "another @notice, dont send another text, dont send me another, dont send anymore, dont send ?any more, you not "
    "text >, you not text here, you not text stuff, not to text >, not to text stuff, said dont text, not interested "
    "in getting, not interested in your ?text messages";

static const char dnc[] =
    "never gave you consent to text, didnt consent to text, never consented to text, never consented to stuff "
    "messages, didnt consent to stuff messages, dont have consent to text, no right to text, not allowed to text, "
    "respect my privacy, dont text list, dont call list, dont call registry, dont text registry, dont call register, "
    "dnc, fcc, tcpa, unwanted @notice, unsolicited @notice, unwanted text, unsolicited text, didnt sign up for * "
    "messages, never signed up for * messages, no means no, final warning, last warning";

static const char off_your_list[] =
    "@take my number @off, @take my details @off, @take my info @off, @take my phone @off, @take digits ?digits "
    "?digits @off ?of ?your ?the ?stuff list, please remove >, remove my text info, @take my text info @off, remove my "
    "text "
    "details, text info removed, text info to be removed, been removed from * list, my number removed, my info "
    "removed, my details removed, my name removed, @take number off, @take * number @off * list, @take me @off ?of "
    "?all ?your ?the ?stuff ?text list, @take me @off ?of ?all ?your ?the ?stuff ?text @notice, @take me off >, @take "
    "us off, @take stuff @off your list, remove digits, remove stuff number, remove my number, remove the number >, "
    "lose my number, get off ?of ?your ?stuff ?the list, get out of ?your ?stuff ?the list, off your list, off stuff "
    "list, want out >, want off >, forget my number, forget number, remove my data, count me out of * @notice";

static const char wrong_remove[] = "remove it >, remove stuff >, remove me >, lose it >";

/* Behind what says why: "you have the wrong person stop", "not interested, remove". */
static const char not_for_them[] = "stop >, stop it >, < remove >";

static const char rather[] =
    "@no want you to @reach @target, @no want you to @reach >, rather you not @reach me, rather you not @reach >, "
    "rather you stop texting, rather you stop >, rather you didnt @reach me, rather you didnt @reach >, prefer you not "
    "@reach me, prefer you didnt @reach me, appreciate it if you stop >, appreciate it if you stop texting, appreciate "
    "if you stop texting, appreciate if you stop >, @no want stuff anymore, @no want to getting stuff, @no want ?to "
    "?getting ?any ?more ?of ?your ?stuff ?text @notice, @no want to getting * from you, @no want to be @bothered, @no "
    "want you texting, @no want to hear from, nolonger want to hear, want nothing from you, want nothing to do with, "
    "dont want anything from you, @no need you texting, appreciate not getting, appreciate you not texting, rather not "
    "getting ?any ?more ?your ?stuff ?text @notice, rather not be @bothered, rather not hear from, prefer not to "
    "getting, prefer not to be @bothered, prefer not to hear, prefer no more, prefer no messages, better not hear from";

static const char insults[] =
    "leave my mom alone, leave my mother alone, leave my wife alone, leave my husband alone, leave my parents alone, "
    "leave me the alone, leave us the alone, < eat stuff >, < fuck ?the ?right off, fuck off >, fuck you >, < buzz "
    "off, < back off >, < jog on, < gtfo, < stfu, leave me be >, let me be >, leave my phone alone, leave stuff number "
    "alone, leave my family alone, stay off my phone, stay away from me";

static const char told[] = "@answered ?you stop, @answered ?you no * times, @answered you to stop, @answered you to "
                           "quit, asked you to stop, asked you to quit, asked you not to, asked to stop, asked to be "
                           "removed, asked to be taken, asked * to be removed, asked to unsubscribe, already optout, "
                           "optout already, i optout >, i optout ago, already unsubscribe, asked to optout";

static const char still[] =
    "keep getting stuff >, still getting stuff >, keep texting me >, keep texting me and, you keep texting, still "
    "texting me, still getting your messages, still getting messages, stuff still texting me";

static const char threats[] =
    "stuff is harassment, is harassment >, you are block, youre block, "
    "report stuff as, report as text, report stuff number, block you, "
    "< block me >, block stuff number, consider yourself block, stuff harassment, < harassment >";

/* Whom a job has gone wrong for threatens, too, and wants an answer. */
static const char sued[] = "sue you, hear from my lawyer, report you";

static const char threatened[] =
    "if you text, if you keep, text me again, text me one, text me anymore, one more text, one more messages, one more "
    "call, another text, another messages, another call, next text, next messages, every text, text me ever, stuff "
    "continue, stuff continues";

static const char shut_off[] =
    "@shut ?all ?of ?the ?my ?your ?stuff + @notice, @shut ?all ?of ?the ?my ?your ?stuff ?text @notice, @shut off "
    "?all ?of ?the ?my ?your ?stuff ?text @notice, @shut ?my ?the ?stuff subscription to * @notice, @shut ?my ?the "
    "?your ?stuff text alerts, @shut stuff text @off, discontinue ?all ?the ?your ?stuff @notice, opt stuff number "
    "out, opt my number out, unsubscribe me from * @notice, unsubscribe number, unsubscribe stuff phone";

static const char again_en[] =
    "start texting me, start send me * messages, resume ?the ?stuff ?your ?my ?text messages, resume texting, you can "
    "text me again, can start texting me, ok to text me again, fine to text me again, opt ?me ?back in >, opt me back "
    "in, opt me in, want to opt in, resubscribe, subscribe me again, re subscribe, sign me ?back up for * messages, "
    "add me back to * list, add me back to * messages, put me back on * list, want * messages again, < opt in";

const struct wording_rule consent_english[] = {
    {CONSENT_OUT, "en", stop_texting, .before = NEGATED_EN},
    {CONSENT_OUT, "en", texting_at_the_end, .before = NEGATED_EN " to i ill will should must gotta we he she they"},
    {CONSENT_OUT, "en", stop_calling, .before = NEGATED_EN, .after = TIMES_EN, .next = WHAT_EN,
     .text = "text texting messages"},
    {CONSENT_OUT, "en", told_to_stop, .before = "dont didnt never not why"},
    {CONSENT_OUT, "en", dont_text, .before = ASKED_EN " you", .after = TIMES_EN,
     .next = "the a an your his her their address code price photos pictures pics back my work"},
    {CONSENT_OUT, "en", no_more, .before = ASKED_EN, .after = TIMES_EN " needed necessary required"},
    {CONSENT_OUT, "en", unsubscribe, .before = "dont didnt never not did", .after = "emails newsletter"},
    {CONSENT_OUT, "en", off_the_list, .before = "dont didnt never not did",
     .after = "waiting wait waitlist schedule policy slot insurance lease loan title deed instead and monday tuesday "
              "wednesday thursday friday "
              "saturday sunday tomorrow today"},
    {CONSENT_OUT, "en", not_wanted, .before = ASKED_EN, .after = TIMES_EN " other agent"},
    {CONSENT_OUT, "en", getting, .before = NEGATED_EN " did"},
    {CONSENT_OUT, "en", alone, .before = NEGATED_EN, .next = "with in for while at until"},
    {CONSENT_OUT, "en", revoked, .before = "dont didnt not"},
    {CONSENT_OUT, "en", stop_pestering, .before = NEGATED_EN " if", .after = "until till before appointment appt",
     .next = "the a an your his her their at in"},
    {CONSENT_OUT, "en", enough, .before = ASKED_EN, .after = "needed necessary required before after until till"},
    {CONSENT_OUT, "en", never_contact, .before = ASKED_EN " you", .after = TIMES_EN, .next = WHAT_EN},
    {CONSENT_OUT, "en", dnc, .before = "if is not"},
    {CONSENT_OUT, "en", off_your_list, .before = "dont didnt never not did until", .next = "it stuff",
     .after = OTHER_LIST},
    {CONSENT_OUT, "en", wrong_remove, .before = "dont didnt never not did", .needs = "wrong"},
    {CONSENT_OUT, "en", not_for_them, .before = NEGATED_EN " to bus tram train", .needs = "wrong interested"},
    {CONSENT_OUT, "en", rather, .before = "why if he she nobody did", .after = TIMES_EN " other agent"},
    {CONSENT_OUT, "en", insults, .before = NEGATED_EN},
    {CONSENT_OUT, "en", told, .before = "dont didnt never not he she they can could should do if",
     .next = "by at the in over using doing"},
    {CONSENT_OUT, "en", still, .before = "please can could should would will ill to if are",
     .next = "updates photos pics the"},
    {CONSENT_OUT, "en", threats, .before = "dont didnt never not will why did he she they them",
     .next = "the a an on in"},
    {CONSENT_OUT, "en", sued, .before = "dont didnt never not will why did he she they them", .next = "the a an on in",
     .needs = CONTACT_EN},
    {CONSENT_OUT, "en", threatened, .before = "please could did ill", .needs = THREAT_EN},
    {CONSENT_OUT, "en", shut_off, .before = "dont didnt never not did",
     .after = OTHER_LIST " appointment appt until before"},
    {CONSENT_IN, "en", again_en, .before = "dont didnt never not stop no if when why"},
};
const size_t consent_n_english = COUNT_OF(consent_english);
