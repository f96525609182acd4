# SPDX-License-Identifier: GPL-2.0-only
# prove's output when tests run side by side: a line for each program as it ends, followed by its
# failures, skips and comments; at the end one closing line: "N passed, N failed[, N skipped]".
# Assertions are counted; a test program that dies or breaks its plan counts as one failure more.
package Closing;
use strict;
use warnings;
use parent 'TAP::Formatter::Console';

sub prepare {
	my ($self, @tests) = @_;

	$self->{programs} = @tests;
	$self->{ended} = 0;
	$self->SUPER::prepare(@tests);
}

sub open_test {
	my ($self, $test, $parser) = @_;

	return Closing::Session->new({ name => $test, formatter => $self, parser => $parser });
}

sub summary {
	my ($self, $aggregate, $interrupted) = @_;
	my $failed = $aggregate->failed + grep { !$_->failed && $_->has_problems } $aggregate->parsers;
	my $skipped = $aggregate->skipped + grep { $_->skip_all } $aggregate->parsers;
	my $passed = $aggregate->passed - $aggregate->skipped;

	$self->SUPER::summary($aggregate, $interrupted);
	printf "%d passed, %d failed%s\n", $passed, $failed, $skipped ? ", $skipped skipped" : '';
}

# One test program. What it says is kept until it ends, so that two do not mix.
package Closing::Session;
use strict;
use warnings;
use parent -norequire, 'TAP::Formatter::Session';
require TAP::Formatter::Session;

sub result {
	my ($self, $result) = @_;
	my $group = $result->is_comment && $result->as_string =~ /^# ok - /; # cmocka's, at its end
	my $wanted = ($result->is_comment && !$group) || $result->is_bailout
		|| ($result->is_test && (!$result->is_ok || $result->has_skip));

	push @{ $self->{kept} }, $result->as_string if $wanted;
}

# In a few words, what is wrong with a program that did not pass.
sub problem {
	my ($parser) = @_;
	my $signal = ($parser->wait || 0) & 0x7f;
	my @failed = $parser->failed;
	my @errors = $parser->parse_errors;

	return "killed by signal $signal" if $signal;
	return sprintf '%d of %d assertions', scalar @failed, $parser->tests_run if @failed;
	return $errors[0] if @errors;
	return 'exit status ' . $parser->exit;
}

sub close_test {
	my ($self) = @_;
	my ($formatter, $parser) = ($self->formatter, $self->parser);
	my $seconds = $parser->end_time - $parser->start_time;
	my $done = sprintf '%d/%d', ++$formatter->{ended}, $formatter->{programs};

	$formatter->_output(sprintf '%7s  %s', $done, $formatter->_format_name($self->name));
	if ($parser->has_problems) {
		$formatter->_failure_output('FAILED: ' . problem($parser) . "\n");
	} elsif (my $reason = $parser->skip_all) {
		$formatter->_output("skipped: $reason\n");
	} else {
		$formatter->_output(sprintf "ok  %.0f s\n", $seconds);
	}
	$formatter->_output("$_\n") for @{ $self->{kept} || [] };
}

1;
