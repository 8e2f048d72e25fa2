"""The verdict made public: metrics, page, JSON, tables. Nothing is decided here."""
