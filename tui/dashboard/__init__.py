"""The dashboard's screen: Textual's side of ``tui/view``. Nothing else imports Textual."""
