# SPDX-License-Identifier: GPL-3.0-or-later
"""Which generations the practice server can be: one row each. Modules are imported when asked for."""

import importlib

PERSONAS = {
    "0.15": ("fake.persona_settings", "Persona015"),
    "0.10": ("fake.persona_settings", "Persona010"),
    "0.8": ("fake.persona_settings", "Persona008"),
    "0.6": ("fake.persona_config", "Persona006"),
    "rest": ("fake.persona_rest", "PersonaRest"),
    "0.16": ("fake.persona_jmap", "PersonaJmap"),
}


def persona_class(name):
    module, attribute = PERSONAS[name]
    return getattr(importlib.import_module(module), attribute)
