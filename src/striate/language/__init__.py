"""The words of figures and reports in the language of their reader, and the fonts that have its letters."""

FONTS = "system-ui, 'Apple SD Gothic Neo', 'Malgun Gothic', 'Noto Sans CJK KR', 'Noto Sans KR', NanumGothic, sans-serif"
"""The fonts of a figure; those after the first have Hangul, on macOS, Windows and Linux."""
