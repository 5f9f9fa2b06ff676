"""Go's text/template with the repeatable functions of Sprig: hermetic, and bounded in time and memory."""

from capelin.runtime.gotemplate.errors import TemplateError
from capelin.runtime.gotemplate.template import Template, parse

__all__ = ["Template", "TemplateError", "parse"]
