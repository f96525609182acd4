# SPDX-License-Identifier: GPL-2.0-only
# prove's own console output, closed by one line: "N passed, N failed[, N skipped]". Assertions are
# counted; a test program that dies or breaks its plan counts as one failure more.
package Closing;
use strict;
use warnings;
use parent 'TAP::Formatter::Console';

sub summary {
	my ($self, $aggregate, $interrupted) = @_;
	my $failed = $aggregate->failed + grep { !$_->failed && $_->has_problems } $aggregate->parsers;
	my $skipped = $aggregate->skipped + grep { $_->skip_all } $aggregate->parsers;
	my $passed = $aggregate->passed - $aggregate->skipped;

	$self->SUPER::summary($aggregate, $interrupted);
	printf "%d passed, %d failed%s\n", $passed, $failed, $skipped ? ", $skipped skipped" : '';
}

1;
