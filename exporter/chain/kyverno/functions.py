"""The functions that a Kyverno expression can call, in any version from 1.10 to 1.19."""

FUNCTIONS = frozenset(
    # JMESPath's own, and those of its community's edition
    "abs avg ceil contains ends_with floor join keys length map max max_by merge min min_by not_null reverse sort "
    "sort_by starts_with sum to_array to_number to_string type values find_first find_last from_items group_by items "
    "lower pad_left pad_right replace split trim trim_left trim_right upper zip let "
    # Kyverno's (`pkg/engine/jmespath/functions.go` and `time.go`)
    "compare equal_fold replace_all to_upper to_lower trim_prefix regex_match regex_replace_all "
    "regex_replace_all_literal pattern_match label_match to_boolean add subtract multiply divide modulo round "
    "base64_decode base64_encode path_canonicalize truncate semver_compare parse_json parse_yaml lookup "
    "object_from_lists random x509_decode image_normalize is_external_url sha256 sha1 md5 time_since time_now "
    "time_now_utc time_to_cron time_add time_parse time_utc time_diff time_before time_after time_between "
    "time_truncate".split()
)
