# Ruby's own drb as a client and a server, for the bench `calls`.

require "drb"

$stdout.sync = true

class Service
  def echo(value) = value
end

def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

def calls(service, secs)
  stop = now + secs
  count = 0
  while now < stop
    service.echo(1_234_567) == 1_234_567 or raise "a wrong answer"
    count += 1
  end
  count
end

case ARGV
in ["server"]
  DRb.start_service("druby://127.0.0.1:0", Service.new)
  puts DRb.uri
  $stdin.read
in ["client", uri, callers, secs]
  DRb.start_service("druby://127.0.0.1:0")
  service = DRbObject.new_with_uri(uri)
  callers = Integer(callers)
  # Warm up, then say so.
  Array.new(callers) { Thread.new { calls(service, 0.3) } }.each(&:join)
  puts "begin"
  $stdin.gets
  start = now
  count = Array.new(callers) { Thread.new { calls(service, Float(secs)) } }.sum(&:value)
  puts "#{count} #{now - start}"
  $stdin.gets
end
exit!
