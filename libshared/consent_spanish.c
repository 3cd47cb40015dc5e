/* consent_spanish.c - the phrases by which people opt out and in, in Spanish. See consent_internal.h. */
#include "libshared/auto.h"
#include "libshared/consent_internal.h"

#define TIMES_ES                                                                                                     \
    "antes hasta durante noche noches hoy manana mananas temprano tarde tardes todavia aun ahora ahorita cuando si " \
    "excepto domingo domingos lunes martes miercoles jueves viernes sabado trabajo despues mientras correo email"

#define DAYS_ES "domingo lunes martes miercoles jueves viernes sabado manana"

#define CONTACT_ES                                                                                                    \
    "mensajes text escriba escribirme escribiendo mandando mande mandarme llame llamarme sigan deje dejar pare alto " \
    "basta numero spam"

#define THREAT_ES                                                                                               \
    "abogado abogada abogados policia denuncia denuncias demanda denunciar denuncio reportar reporto demandar " \
    "demando "                                                                                                  \
    "acoso profeco bloquear bloqueo juzgado tribunal denunciare denuncie"

static const char no_molesten[] =
    "no quiero mas informacion >, no quiero que ?me ?nos vuelva a escribirme, no quiero que ?me ?nos vuelva a "
    "mandarme, no quiero que ?me ?nos vuelva a llamarme, no me lleguen mas, no me lleguen * @mensajes, nunca ?mas ?me "
    "escriba, jamas ?me escriba, no sigan >, no quiero nada con usted, no quiero nada con ustedes, no quiero recibir "
    "informacion, no quiero recibir mas informacion, ni se les ocurra, ni se le ocurra, no mande informacion, no ?me "
    "?nos escriba mas, no ?me ?nos escriba nunca, no escriba >, no escriba @aqui este, no escriba aqui, no escriba al "
    "numero, no escriba por aqui, no mande >, no mande mas, no mande nada, no mande * @mensajes, no me mande * "
    "@mensajes, no ?me volver a escribirme, no ?me ?nos vuelva a escribirme, no ?me ?nos vuelva a mandarme, no ?me "
    "?nos vuelva a textearme, no ?me ?nos sigan escribiendo, no ?me ?nos sigan mandando, no ?me ?nos esten mandando, "
    "no insistan, no insista >, no me escribirme, ni escribirme, no mandarme mas, no mandarme >, no mandarme nada, no "
    "mandarme * @mensajes, no recibir mas, no recibir * @mensajes, no quiero que ?me ?nos ?sigan escribiendo, no "
    "quiero que ?me ?nos sigan mandando, no quiero que ?me ?nos escriba, no quiero ?recibir ?mas ?ningun ?sus ?tantos "
    "?nada ?de @mensajes, no quiero ser contactado, no quiero ser contactada, no quiero ser molestado, no quiero ser "
    "molestada, no quiero nada de usted, no quiero nada de ustedes, no quiero nada mas de, no me interesa recibir, no "
    "me interesa sus mensajes, no me interesan sus mensajes, no usen mas";

static const char paren[] =
    "no mas please >, ya no mas >, @dejar ?ya con @the @mensajes, dejar de recibir * @mensajes, < alto ?de ?the "
    "@mensajes >, sueltenme >, sueltame >, @dejar ya ?de ?estar escribirme, @dejar ?ya de ?estar escribiendo, @dejar "
    "?ya de ?estar mandando, @dejar ?ya de andar escribiendo, @dejar ?ya de escribirme, @dejar ?ya de mandarme ?me "
    "?mas ?tantos ?sus @mensajes, pare ?ya ?con @the @mensajes, pare ?ya ?de @the @mensajes, pare ?ya con ?los ?sus "
    "@mensajes, pare ?ya de escribirme, pare ?ya de mandarme, para ?ya con @the @mensajes, para ?ya con @the @the "
    "@mensajes, < para ya >, alto ?ya de ?the ?tantos ?sus ?los @mensajes, alto ?ya con ?tantos ?sus ?los @mensajes, "
    "no mas @mensajes, ni un mensajes mas, dejeme @peace, dejeme en @peace, me deje en @peace, cortenla >, cortala >, "
    "< no @mensajes >, no hagan text";

static const char hartos[] =
    "me tienen harto, me tiene harto, me tienes harto, me teneis harto, harto de ?tantos ?recibir ?sus ?tus ?estos "
    "@mensajes, harto de que me escriban, harto con ?tantos ?sus ?tus @mensajes, harto de usted, harto de ustedes, "
    "prohibo, retiro mi @signoff, revoco mi @signoff, voy a bloquear este numero, < bloqueen mi numero, < bloqueen "
    "este numero, @you voy a bloquear, @you bloqueare, < bloqueados >, quedan bloqueados, reportar * spam, por spam >, "
    "como spam >, es acoso, dije stop, dije que no quiero, dije alto, a la @hell, chinga tu madre, chinguen a su madre";

/* Whom a job has gone wrong for threatens, too, and wants an answer. */
static const char denuncias[] =
    "@you voy a denunciar, @you vamos a denunciar, @you denuncio, @you demando, @you denunciare, llamo a la policia";

static const char amenazas[] =
    "vuelva a escribirme, vuelva a mandarme, sigan escribiendo, sigan mandando, me sigan escribiendo, otro mensajes, "
    "un mensajes mas, otro text, si me escriben, si me escribe, si me mandan, si escriben";

static const char de_la_lista[] =
    "borre ?me ?mi ?este ?numero ?datos ?nombre ?contacto de ?la ?su ?tu ?este lista, olvide de mi numero, olvide de "
    "este numero, me doy de baja, dar de baja @mine_es numero, borre ?mi ?la ?esta suscripcion, baja de ?la lista, "
    "baja de ?la suscripcion, < de baja >, borre ?me de ?la ?su ?esta ?tu lista, borre @mine_es numero, borre mi "
    "contacto, borre mi nombre, borre mi info, borre mis datos, salir de ?la ?su ?esta ?este lista, salirme de ?la ?su "
    "?esta ?este lista, olvide de mi, darme de baja, quiero la baja, solicito la baja, solicito ?mi baja, pido la "
    "baja, la baja de * @mensajes, la baja de * lista, de baja de * @mensajes, de baja de * lista, darme ?la baja, dar "
    "de baja este numero, dar de baja mi numero, desuscribirme, cancelar ?mi ?la suscripcion a * @mensajes, cancelar "
    "@the @mensajes, cancelar este @mensajes";

static const char no_me_escriba[] =
    "no me escriba, no nos escriba, ni me escriba, no me mande * mensajes, no nos mande * mensajes, no mande * "
    "mensajes, no me mande mas, no me mande nada, no me mande >, no me vuelva a escribirme, no me vuelva a mandarme, "
    "no me vuelva a llamarme, no vuelva a escribirme, no vuelva a mandarme, no vuelva a llamarme, no autorizo, no "
    "escribirme, no me hable mas, no me busque mas, no mandarme * mensajes, no me esten escribiendo, no me sigan "
    "escribiendo, no me siga escribiendo";

static const char no_me_llame[] = "no me llame mas, no me llame nunca, no me llame >, @dejar de llamarme";

static const char deje_de[] =
    "@dejar de escribirme, @dejar de mandarme * mensajes, @dejar de mandarme >, @dejar de mandarme cosas, pare de "
    "escribirme, pare de mandarme * mensajes, pare de mandarme >, para de escribirme, para de mandarme * mensajes, "
    "dejeme en paz, pare con * mensajes, pare los mensajes, quiero @dejar de recibir * mensajes, alto a * mensajes";

static const char no_quiero[] = "no quiero * mensajes, no quiero recibir nada, no quiero recibir mas, no quiero que me "
                                "escriba, no quiero que me mande, no quiero que me llame, no quiero saber, no mas "
                                "mensajes, basta de mensajes, alto de mensajes, < no mensajes >";

static const char baja[] =
    "borreme de * lista, borreme >, borreme de aqui, borre de * lista, borre mi numero, borre mis datos, saque mi "
    "numero de * lista, borre este numero, borreme del lista, borreme del sistema, darme de baja, dar de baja mi "
    "numero, dar de baja este numero, < dar de baja >, quiero dar de baja >, cancelar ?mi ?la ?el ?esta ?estas "
    "suscripcion >, cancelar ?mi ?la ?esta suscripcion a * mensajes, cancelar ?los ?estos ?sus mensajes";

static const char again_es[] =
    "quiero recibir * mensajes * otra vez, quiero recibir * mensajes * nuevo, puede escribirme de nuevo, pueden "
    "escribirme de nuevo, pueden escribirme otra vez, puede escribirme otra vez, reactivar mensajes, reactivar los "
    "mensajes, suscribirme de nuevo, suscribirme otra vez, pueden volver a escribirme, quiero volver a recibir";

const struct wording_rule consent_spanish[] = {
    {CONSENT_OUT, "es", no_molesten, .before = "porque si", .after = TIMES_ES " ingles espanol",
     .next = "la el los las al un una factura fotos foto tecnico tecnicos gente"},
    {CONSENT_OUT, "es", paren, .before = "no nunca si", .next = "de"},
    {CONSENT_OUT, "es", hartos, .before = "no nunca", .next = "el la un una lo al"},
    {CONSENT_OUT, "es", denuncias, .before = "no nunca", .next = "el la un una lo al", .needs = CONTACT_ES},
    {CONSENT_OUT, "es", amenazas, .before = "no", .needs = THREAT_ES},
    {CONSENT_OUT, "es", de_la_lista, .before = "no", .after = DAYS_ES, .next = "del la luz el agua"},
    {CONSENT_OUT, "es", no_me_escriba, .before = "porque por que si", .after = TIMES_ES " ingles espanol",
     .next = "la el los las al a un una fotos foto tecnico tecnicos"},
    {CONSENT_OUT, "es", no_me_llame, .after = TIMES_ES, .text = "mensajes escriba texto mande"},
    {CONSENT_OUT, "es", deje_de, .before = "no nunca"},
    {CONSENT_OUT, "es", no_quiero, .after = TIMES_ES " perder", .before = "perder"},
    {CONSENT_OUT, "es", baja, .before = "no", .after = DAYS_ES, .next = "del"},
    {CONSENT_IN, "es", again_es, .before = "no"},
};
const size_t consent_n_spanish = COUNT_OF(consent_spanish);
