/* What api.c gives to the server library. */
#ifndef ONHAND_API_SERVER_INTERNAL_H
#define ONHAND_API_SERVER_INTERNAL_H

#include "api/api_internal.h"

enum MHD_Result server_serve(void *cls, struct MHD_Connection *connection, const char *path,
                             const char *method, const char *version, const char *data,
                             size_t *length, void **con_cls);
void server_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                      enum MHD_RequestTerminationCode code);
/* Whether an Accept header lets this type through. */
bool header_accepts(struct text accept, const char *type);

#endif
