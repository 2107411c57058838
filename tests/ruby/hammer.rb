# Counts up from many processes at once: hammer.rb URI PROCESSES CALLS
# Each process begins when all are ready.
require 'drb'

uri, processes, calls = ARGV[0], ARGV[1].to_i, ARGV[2].to_i
start, starter = IO.pipe
pids = Array.new(processes) do
  fork do
    starter.close
    store = DRbObject.new_with_uri(uri)
    start.read
    calls.times { store.inc(:counter) }
    exit!(0)
  end
end
start.close
puts 'ready'
$stdout.flush
# Who started this says when to go.
$stdin.gets
starter.close
failed = pids.count { |pid| !Process.wait2(pid)[1].success? }
abort "#{failed} of #{processes} processes failed" if failed > 0
