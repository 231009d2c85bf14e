"""How the annotators' page looks: the image as large as the window allows, the answers beside it.

A window that is higher than wide has the answers below the image. Every choice is a button; how
large it is and in how many columns depends on how many classes there are. The colours are Label
Studio's own, so that its dark theme works.
"""

ROOMY, TWO_COLUMNS = 11, 30
"""With so many classes at most, one column of large buttons, or two columns; with more, a page
of narrow columns with a search."""

IMAGE_HEIGHT = "var(--lc-image)"
"""Set below. On its own Label Studio 1.23.2 leaves room for its bars alone."""

BARS = 122
"""Height in pixels of Label Studio's bars above and below, and of the space at their sides."""

SHARED = """
.lsf-sidepanels__wrapper { display: none }
.lsf-sidepanels { padding-right: 0 !important }
.lsf-main-view__annotation { padding: 12px 14px !important }
.lc { --lc-image: calc(100vh - %(bars)dpx); --lc-side: 340px; --lc-target: 44px; --lc-columns: 1;
  display: flex; gap: 16px; height: calc(100vh - %(bars)dpx) }
.lc.two { --lc-side: 440px; --lc-target: 36px; --lc-columns: 2 }
.lc.many { --lc-side: 600px; --lc-target: 28px; --lc-columns: 4 }
.lc-image { flex: 1 1 0; min-width: 0; position: relative; padding-right: 48px }
.lc-image .lsf-toolbar { position: absolute; top: 0; right: -46px; margin: 0 }
.lc-side { flex: 0 0 var(--lc-side); min-width: 0; display: flex; flex-direction: column }
.lc .lsf-choices { margin: 0; min-height: 0; display: flex; flex-direction: column }
.lc-text { max-height: 20vh; overflow-y: auto; flex: none }
.lc-text h4 { margin: 0 0 8px !important; font-size: 16px; line-height: 22px }
.lc-unseen { display: none }
.lc-small h4 { margin: 0 0 4px !important; font-size: 13px; font-weight: 400; line-height: 18px;
  color: var(--color-neutral-content-subtler) }
.lc .ant-input { flex: none; margin-bottom: 8px; height: 34px; padding: 4px 10px; font-size: 15px;
  border: 1px solid var(--color-neutral-border); border-radius: 6px }
.lc-scroll { min-height: 0; overflow-y: auto }
.lc-classes { columns: var(--lc-columns); column-gap: 8px }
.lc-reasons { flex: none; margin-top: 6px; padding-top: 6px;
  border-top: 1px solid var(--color-neutral-border) }
.lc.two .lc-reasons, .lc.many .lc-reasons { display: grid;
  grid-template-columns: repeat(3, 1fr); column-gap: 8px }
.lc-reasons .lsf-choice_hidden { display: block !important }
.lc-reasons h4 { grid-column: 1 / -1 }
.lc .lsf-choice { break-inside: avoid; line-height: 20px; padding-bottom: 6px }
.lc .lsf-choice__item { display: block }
.lc .lsf-choice__checkbox { display: flex; align-items: center; box-sizing: border-box; margin: 0;
  width: 100%%; min-height: var(--lc-target); padding: 3px 10px; font-size: 15px; line-height: 18px;
  border: 1px solid var(--color-neutral-border); border-radius: 6px;
  background: var(--color-neutral-background); overflow-wrap: anywhere }
.lc .lsf-choice__checkbox:hover { background: var(--color-primary-background) }
.lc .lsf-choice__checkbox .ant-radio { top: 0 }
.lc .ant-radio + span { flex: 1; padding-right: 0 }
.lc .ant-radio + span span { display: flex; gap: 6px; align-items: center;
  justify-content: space-between }
.lc .lsf-hint { flex: none; top: 0; font-size: 12px; line-height: 18px; text-transform: uppercase;
  opacity: 0.75; color: inherit }
.lc .ant-radio-wrapper-checked { border-color: var(--color-primary-surface);
  background: var(--color-primary-surface) !important;
  color: var(--color-primary-surface-content) !important }
.lc.two .lsf-choice, .lc.many .lsf-choice { padding-bottom: 4px }
.lc.two .lc-reasons .lsf-choice__checkbox { padding: 1px 6px; font-size: 13px; line-height: 15px }
.lc.many .lsf-choice__checkbox { padding: 1px 6px; font-size: 13px; line-height: 15px }
@media (pointer: coarse) { .lc.two { --lc-target: 44px } .lc.many { --lc-target: 36px } }
@media (min-width: 1600px) { .lc { --lc-side: 420px } .lc.two { --lc-side: 560px }
  .lc.many { --lc-side: 800px } }
@media (max-width: 1100px) { .lc { --lc-side: 300px } .lc.two { --lc-side: 420px }
  .lc.many { --lc-side: 480px; --lc-columns: 3 } }
@media (max-aspect-ratio: 1/1) { .lc { --lc-image: 45vh; --lc-columns: 3; flex-direction: column;
  gap: 10px }
  .lc.two { --lc-columns: 4 } .lc.many { --lc-image: 36vh; --lc-columns: 5 }
  .lc-image { flex: none; height: var(--lc-image) } .lc-side { flex: 1 1 0; min-height: 0 }
  .lc-reasons { display: grid; grid-template-columns: repeat(3, 1fr); column-gap: 8px } }
"""
"""No `>`, `<` or `&`: Label Studio escapes them. Not `%` alone: it is a format."""


def style() -> str:
    """The text of the page's Style tag."""
    return " ".join((SHARED % {"bars": BARS}).split())


def searched(classes: int) -> bool:
    """Whether a page with so many classes has a search."""
    return classes > TWO_COLUMNS


def size(classes: int) -> str:
    """The names of the style for a page with so many classes."""
    if classes <= ROOMY:
        return "lc"
    return "lc two" if classes <= TWO_COLUMNS else "lc many"
