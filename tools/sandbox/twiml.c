/* twiml.c - see twiml.h. */
#include "tools/sandbox/twiml.h"

#include <libxml/parser.h>
#include <limits.h>
#include <string.h>

static json_t *read_node(const xmlNode *node)
{
    json_t *json = json_object(), *nested = json_array();
    xmlChar *text = xmlNodeGetContent((xmlNode *)node);

    json_object_set_new(json, "verb", json_string((const char *)node->name));
    json_object_set_new(json, "text", json_string(text ? (const char *)text : ""));
    json_object_set_new(json, "nested", nested);
    xmlFree(text);
    for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next) {
        xmlChar *value = xmlGetProp((xmlNode *)node, attribute->name);

        json_object_set_new(json, (const char *)attribute->name, json_string((const char *)value));
        xmlFree(value);
    }
    for (const xmlNode *child = node->children; child; child = child->next)
        if (child->type == XML_ELEMENT_NODE)
            json_array_append_new(nested, read_node(child));
    return json;
}

json_t *twiml_read(const char *text, size_t len)
{
    xmlDoc *document = len > INT_MAX ? NULL
                                     : xmlReadMemory(text, (int)len, "twiml.xml", "UTF-8",
                                                     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    const xmlNode *root = document ? xmlDocGetRootElement(document) : NULL;
    json_t *verbs = NULL;

    if (root && strcmp((const char *)root->name, "Response") == 0) {
        verbs = json_array();
        for (const xmlNode *node = root->children; node; node = node->next)
            if (node->type == XML_ELEMENT_NODE)
                json_array_append_new(verbs, read_node(node));
    }
    xmlFreeDoc(document);
    return verbs;
}
