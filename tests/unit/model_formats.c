/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Import: every format good and bad, guessing, any split of the input, hostile fields, merging, sorting out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/mem.h"
#include "model/formats.h"
#include "tests/unit/import_dump.h"
#include "tests/unit/net_world.h"
#include "tests/unit/random.h"

struct sample {
	enum format format; /* what it is guessed as */
	const char *text, *want;
};

static const struct sample samples[] = {
	/* plain values */
	{ FORMAT_VALUES, "", "" },
	{ FORMAT_VALUES, "203.0.113.7\n198.51.100.0/24\n2001:db8::1\n", "1 203.0.113.7\n2 198.51.100.0/24\n3 2001:db8::1\n" },
	{ FORMAT_VALUES, "203.0.113.7", "1 203.0.113.7\n" },
	{ FORMAT_VALUES, "\xef\xbb\xbf# list\r\n\r\n  203.0.113.7  \r\n; old style\r\n198.51.100.7 # office, floor 2\r\n192.0.2.0/24 ; SBL1\r\n",
		"3 203.0.113.7\n5 198.51.100.7 note=office, floor 2\n6 192.0.2.0/24 note=SBL1\n" },
	/* a map of Postfix, a table, a rule: what they say of the address is not "block it" */
	{ FORMAT_VALUES, "just some words\n203.0.113.7 OK\nACCEPT all 203.0.113.8 0.0.0.0/0\n203.0.113.9 203.0.113.10 bad\n",
		"4 203.0.113.9\n4 203.0.113.10\n1! just some words: no address in this line\n"
		"2! 203.0.113.7 OK: there are other words beside the address; a note is written behind #\n"
		"3! ACCEPT all 203.0.113.8 0.0.0.0/0: there are other words beside the address; a note is written behind #\n"
		"4! bad: bad is no address: write one such as 203.0.113.7 or 2001:db8::7, or a network such as 203.0.113.0/24 (names are not looked up)\n" },
	{ FORMAT_VALUES, "203.0.113.7 203.0.113.8,203.0.113.9\n", "1 203.0.113.7\n1 203.0.113.8\n1 203.0.113.9\n" },
	{ FORMAT_VALUES,
		"203.0.113.7\n::ffff:203.0.113.7\n203.0.113.7/32\n203.0.113.9/24\nmail.example.org\n1.2.3\n010.0.0.1\nfe80::1%eth0\n203.0.113.8\n",
		"1 203.0.113.7\n4 203.0.113.0/24\n9 203.0.113.8\n"
		"5! mail.example.org: mail.example.org is no address: write one such as 203.0.113.7 or 2001:db8::7, or a network such as 203.0.113.0/24 (names are not looked up)\n"
		"6! 1.2.3: 1.2.3 has 3 parts, an IPv4 address has 4; for the whole network write 1.2.3.0/24\n"
		"7! 010.0.0.1: 010.0.0.1: part 1 (010) has a leading zero, which some programs read as octal; write 10.0.0.1\n"
		"8! fe80::1%eth0: fe80::1%eth0: the zone %eth0 names an interface of one host and means nothing here; write fe80::1\n" },
	/* ranges become the networks that make them up */
	{ FORMAT_VALUES, "203.0.113.7-203.0.113.9\n2001:db8::1-2001:db8::2 # two\n203.0.113.9-203.0.113.7\n203.0.113.1-2001:db8::1\n203.0.113.20;203.0.113.21;\n",
		"1 203.0.113.7\n1 203.0.113.8/31\n2 2001:db8::1 note=two\n2 2001:db8::2 note=two\n5 203.0.113.20\n5 203.0.113.21\n"
		"3! 203.0.113.9-203.0.113.7: the range ends before it begins\n"
		"4! 203.0.113.1-2001:db8::1: 203.0.113.1-2001:db8::1: a range is written as a network such as 203.0.113.1/24\n" },
	/* settings of another server */
	{ FORMAT_VALUES,
		"server.blocked-ip.203.0.113.7 = \"\"\nserver.allowed-ip.10.0.0.0/8 =\nserver.security.blocked-networks.198.51.100.0/24\n"
		"server.blocked-ip.203.0.113.8 = {\"by\":\"root\",\"at\":\"2026-11-01T00:00:00Z\",\"until\":\"2026-12-01T00:00:00Z\",\"reason\":\"spam\",\"class\":\"abuse\"}\n",
		"1 203.0.113.7 list=blocked\n2 10.0.0.0/8 list=allowed\n3 198.51.100.0/24 list=blocked\n"
		"4 203.0.113.8 reason=abuse note=spam from=2026-11-01T00:00:00Z to=2026-12-01T00:00:00Z list=blocked\n" },
	/* csv */
	{ FORMAT_CSV, "address,reason,note\n203.0.113.7,auth,\"a, \"\"quoted\"\" note\"\n203.0.113.8,,\n",
		"2 203.0.113.7 reason=auth note=a, \"quoted\" note\n3 203.0.113.8\n" },
	{ FORMAT_CSV, "IP Address;Comment;Created At;Expires\n203.0.113.7;x;2026-11-01;2026-12-01T00:00:00Z\n203.0.113.8;;;never\n",
		"2 203.0.113.7 note=x from=2026-11-01T00:00:00Z to=2026-12-01T00:00:00Z\n3 203.0.113.8\n" },
	{ FORMAT_CSV, "# made by hand\nnote\tip\tduration\n\"two\nlines\"\t203.0.113.7\t2h\n\t203.0.113.8\t-5m\n",
		"3 203.0.113.7 note=two\nlines to=2026-11-20T12:00:00Z\n5 203.0.113.8 to=2026-11-20T09:55:00Z skip=4\n" },
	{ FORMAT_CSV, "203.0.113.7,bad guy,2026-11-01\n203.0.113.8,auth,2027-01-01\nx,203.0.113.9\n",
		"1 203.0.113.7 note=bad guy from=2026-11-01T00:00:00Z\n2 203.0.113.8 reason=auth to=2027-01-01T00:00:00Z\n3 203.0.113.9 note=x\n" },
	{ FORMAT_CSV,
		"address,expires_at,duration\n203.0.113.7,soon,\n203.0.113.8,,7x\n,,\n203.0.113.9,1795168801,\n203.0.113.10,1795168801000,\n203.0.113.11,,90\n",
		"5 203.0.113.9 to=2026-11-20T10:00:01Z\n6 203.0.113.10 to=2026-11-20T10:00:01Z\n7 203.0.113.11 to=2026-11-20T10:01:30Z\n"
		"2! 203.0.113.7: \"soon\" is no time\n3! 203.0.113.8: \"7x\" is no duration\n4! : the address is missing\n" },
	{ FORMAT_CSV, "address,note\n203.0.113.7,\"open\n203.0.113.8,fine\n203.0.113.9,\"also, \"\"fine\"\"\"\n203.0.113.10,x\n",
		"3 203.0.113.8 note=fine\n4 203.0.113.9 note=also, \"fine\"\n5 203.0.113.10 note=x\n"
		"2! 203.0.113.7,\"open: a quote is opened and never closed\n" },
	/* the quote that would close it opens another field: what lies between is not lost */
	{ FORMAT_CSV, "address,note\n\"203.0.113.7,open\n203.0.113.8,\n203.0.113.9,\"x\"\n203.0.113.10,\n",
		"3 203.0.113.8\n4 203.0.113.9 note=x\n5 203.0.113.10\n"
		"2! \"203.0.113.7,open: a quote is opened and never closed\n" },
	{ FORMAT_CSV, "address,note\n\"203.0.113.7\"9,x\n\"203.0.113.8\" ,x\n",
		"3 203.0.113.8 note=x\n2! \"203.0.113.7\"9,x: there is text behind a closing quote\n" },
	/* lines that end as old spreadsheets ended them; a comment of the other kind above the header; other words for a column */
	{ FORMAT_CSV, "ip,reason\r203.0.113.7,auth\rnonsense,\r203.0.113.8,\"x\"\r",
		"2 203.0.113.7 reason=auth\n4 203.0.113.8 note=x\n"
		"3! nonsense: nonsense is no address: write one such as 203.0.113.7 or 2001:db8::7, or a network such as 203.0.113.0/24 (names are not looked up)\n" },
	{ FORMAT_CSV, "\r\n; made by a program\r\nCount;Client-IP;Valid Until\r\n;203.0.113.7;2026-12-01\r\n3;203.0.113.8-203.0.113.9;\r\nx;mail;\r\n",
		"4 203.0.113.7 to=2026-12-01T00:00:00Z\n5 203.0.113.8/31\n6! mail: mail is no address: write one such as 203.0.113.7 or 2001:db8::7, or a network such as 203.0.113.0/24 (names are not looked up)\n" },
	{ FORMAT_CSV, "203.0.113.7;office\n203.0.113.8;\n", "1 203.0.113.7 note=office\n2 203.0.113.8\n" },
	/* a time as Go programs print it */
	{ FORMAT_CSV, "ip,created_at,until\n203.0.113.7,2026-11-19 10:00:00 +0000 UTC,2026-12-01 00:00:00.25 +0100 CET\n",
		"2 203.0.113.7 from=2026-11-19T10:00:00Z to=2026-11-30T23:00:00.250Z\n" },
	/* an apostrophe that keeps a spreadsheet from calculating is none of the note */
	{ FORMAT_CSV, "address,note\n203.0.113.7,'=1+1\n203.0.113.8,''-x\n203.0.113.9,'quoted'\n",
		"2 203.0.113.7 note==1+1\n3 203.0.113.8 note='-x\n4 203.0.113.9 note='quoted'\n" },
	/* our own export */
	{ FORMAT_CSV,
		"address,family,kind,reason,note,created_at,expires_at,state,covered_by,origin,list\n"
		"203.0.113.7,4,address,auth,,2026-11-19T10:00:00Z,,active,,server,blocked\n"
		"10.0.0.0/8,4,network,,office,,,active,,operator,allowed\njunk,,,,,,,malformed,,unknown,blocked\n",
		"2 203.0.113.7 reason=auth from=2026-11-19T10:00:00Z list=blocked\n3 10.0.0.0/8 note=office list=allowed\n"
		"4! junk: junk is no address: write one such as 203.0.113.7 or 2001:db8::7, or a network such as 203.0.113.0/24 (names are not looked up)\n" },
	/* CrowdSec */
	{ FORMAT_CSCLI,
		"id,source,ip,reason,action,country,as,events_count,expiration,simulated,alert_id\n"
		"1,crowdsec,Ip:203.0.113.7,crowdsecurity/ssh-bf,ban,FR,1 Some AS,6,3h59m59.5s,false,2\n"
		"2,cscli,Range:198.51.100.0/24,manual,ban,,,1,-1h,false,3\n3,cscli,Ip:203.0.113.9,x,captcha,,,1,4h,false,4\n",
		"2 203.0.113.7 note=crowdsecurity/ssh-bf to=2026-11-20T13:59:59.500Z\n3 198.51.100.0/24 reason=manual to=2026-11-20T09:00:00Z skip=4\n"
		"4! Ip:203.0.113.9: \"captcha\" is no ban\n" },
	{ FORMAT_CSCLI, "duration,scope,value\n24h,ip,203.0.113.7\n24h,Country,FR\n24h,range,198.51.100.0/24\n",
		"2 203.0.113.7 to=2026-11-21T10:00:00Z\n4 198.51.100.0/24 to=2026-11-21T10:00:00Z\n3! FR: \"Country\" is no scope of addresses\n" },
	{ FORMAT_JSON,
		"[{\"id\":1,\"source\":{\"ip\":\"203.0.113.7\",\"scope\":\"Ip\",\"value\":\"203.0.113.7\"},\"decisions\":[\n"
		"{\"duration\":\"1h0m\",\"origin\":\"cscli\",\"scenario\":\"manual 'ban'\",\"scope\":\"Ip\",\"type\":\"ban\",\"value\":\"203.0.113.7\"},\n"
		"{\"duration\":\"1h\",\"scope\":\"AS\",\"type\":\"ban\",\"value\":\"64500\"}]}]\n",
		"1 203.0.113.7 note=manual 'ban' to=2026-11-20T11:00:00Z\n3! 64500: \"AS\" is no scope of addresses\n" },
	{ FORMAT_JSON, "[{\"duration\":\"4h\",\"scope\":\"ip\",\"value\":\"203.0.113.7\",\"type\":\"ban\",\"reason\":\"x\"}]",
		"1 203.0.113.7 note=x to=2026-11-20T14:00:00Z\n" },
	/* JSON of every make */
	{ FORMAT_JSON, "[]", "" },
	{ FORMAT_JSON, "null\n", "" },
	{ FORMAT_JSON, "\n# a list [of mine]\n# {\n[\n\"203.0.113.7\"]\n", "5 203.0.113.7\n" },
	{ FORMAT_JSON, "[\n \"203.0.113.7\",\n \"198.51.100.0/24\"\n]\n", "2 203.0.113.7\n3 198.51.100.0/24\n" },
	{ FORMAT_JSON,
		"[\n{\"address\":\"203.0.113.7\",\"reason\":\"scan\",\"note\":\"a\\\"b\\u00e9\",\"created_at\":\"2026-11-19T10:00:00Z\",\"expires_at\":null,\"list\":\"blocked\"},\n"
		"{\"address\":\"junk\"},\n{\"note\":\"no address\"},\n{\"address\":\"203.0.113.8\",\"address\":\"203.0.113.9\"},\n{bad},\n17,\n{\"address\":\"203.0.113.10\"}\n]\n",
		"2 203.0.113.7 reason=scan note=a\"b\xc3\xa9 from=2026-11-19T10:00:00Z list=blocked\n8 203.0.113.10\n"
		"3! junk: junk is no address: write one such as 203.0.113.7 or 2001:db8::7, or a network such as 203.0.113.0/24 (names are not looked up)\n"
		"4! {\"note\":\"no address\"}: no address in this element\n"
		"5! {\"address\":\"203.0.113.8\",\"address\":\"203.0.113.9\"}: no JSON: duplicate object key near '\"address\"'\n"
		"6! {bad}: no JSON: string or '}' expected near 'bad'\n7! 17: no address in this element\n" },
	{ FORMAT_JSON, "{\"data\":{\"total\":2,\"items\":{\"203.0.113.7\":\"\",\"198.51.100.0/24\":\"spam\"}}}",
		"1 203.0.113.7\n1 198.51.100.0/24 note=spam\n" },
	{ FORMAT_JSON, "{\"data\":{\"items\":[{\"_id\":\"203.0.113.7\",\"_value\":\"\"},{\"_id\":\"203.0.113.8\",\"_value\":\"x\"}],\"total\":2}}",
		"1 203.0.113.7\n1 203.0.113.8 note=x\n" },
	{ FORMAT_JSON, "{\"data\":[[\"server.blocked-ip.203.0.113.7\",\"\"],[\"server.allowed-ip.10.0.0.1\",\"true\"],[\"a\",\"b\"]]}",
		"1 203.0.113.7 list=blocked\n1 10.0.0.1 list=allowed\n" },
	{ FORMAT_JSON,
		"{\"methodResponses\":[[\"x:BlockedIp/get\",{\"list\":[{\"id\":\"a\",\"address\":\"203.0.113.7\",\"reason\":\"authFailure\",\"createdAt\":\"2026-11-19T10:00:00Z\",\"expiresAt\":null}]},\"0\"],"
		"[\"x:AllowedIp/get\",{\"list\":[{\"id\":\"b\",\"address\":\"10.0.0.0/8\",\"reason\":\"office\"}]},\"1\"]],\"sessionState\":\"x\"}",
		"1 203.0.113.7 reason=auth from=2026-11-19T10:00:00Z list=blocked\n1 10.0.0.0/8 note=office list=allowed\n" },
	{ FORMAT_JSON, "{\"blocked\":[\"203.0.113.7\"],\"allowed\":[{\"ip\":\"10.0.0.1\"}],\"flags\":[\"x\",\"y\"]}",
		"1 203.0.113.7 list=blocked\n1 10.0.0.1 list=allowed\n" },
	{ FORMAT_JSON,
		"{\"nftables\":[{\"metainfo\":{\"version\":\"1\"}},{\"set\":{\"name\":\"s\",\"flags\":[\"interval\"],\"elem\":[\"203.0.113.7\",{\"prefix\":{\"addr\":\"198.51.100.0\",\"len\":24}},"
		"{\"range\":[\"192.0.2.1\",\"192.0.2.2\"]},{\"elem\":{\"val\":\"203.0.113.8\",\"timeout\":7200,\"expires\":3600,\"comment\":\"c\"}},{\"elem\":{\"val\":{\"prefix\":{\"addr\":\"10.0.0.0\",\"len\":8}},\"timeout\":60}}]}}]}",
		"1 203.0.113.7\n1 198.51.100.0/24\n1 192.0.2.1\n1 192.0.2.2\n1 203.0.113.8 note=c to=2026-11-20T11:00:00Z\n1 10.0.0.0/8 to=2026-11-20T10:01:00Z\n" },
	/* a document over many lines that is no array: what is wrong is told with its own line */
	{ FORMAT_JSON,
		"{\n \"data\": {\n  \"items\": [\n   \"203.0.113.7\",\n   \"mail\",\n   \"203.0.113.8\",\n   {\"ip\":\n\"mail\"}\n  ]\n }\n}\n",
		"1 203.0.113.7\n1 203.0.113.8\n"
		"5! mail: mail is no address: write one such as 203.0.113.7 or 2001:db8::7, or a network such as 203.0.113.0/24 (names are not looked up)\n"
		"8! mail: mail is no address: write one such as 203.0.113.7 or 2001:db8::7, or a network such as 203.0.113.0/24 (names are not looked up)\n" },
	{ FORMAT_JSON, "[\"203.0.113.7\"", "1 203.0.113.7\n1! : the text ends before its array does: a ] is missing\n" },
	{ FORMAT_JSON, "[{\"address\":\"203.0.113.7\"},{\"address\":\"203.0.",
		"1 203.0.113.7\n1! {\"address\":\"203.0.: the text ends inside this value\n1! : the text ends before its array does: a ] is missing\n" },
	{ FORMAT_JSON, "[\"203.0.113.7\"] tail ]", "1 203.0.113.7\n1! t: there is more text after the end of the array\n" },
	{ FORMAT_JSON, "[\"203.0.113.7\" \"203.0.113.8\"}{\"ip\":\"203.0.113.9\"}]",
		"1 203.0.113.7\n1 203.0.113.8\n1 203.0.113.9\n1! }: nothing is open here that this could close\n" },
	/* ndjson */
	{ FORMAT_NDJSON, "{\"address\":\"203.0.113.7\"}\n\n{\"address\":\"203.0.113.8\",\"expires_at\":\"2026-12-01T00:00:00Z\"}\n{\"address\":\n{\"x\":1}\n{\"ip\":\"203.0.113.9\"}",
		"1 203.0.113.7\n3 203.0.113.8 to=2026-12-01T00:00:00Z\n6 203.0.113.9\n"
		"4! {\"address\":: no JSON: unexpected token near end of file\n5! {\"x\":1}: no address in this element\n" },
	/* fail2ban */
	{ FORMAT_FAIL2BAN,
		"203.0.113.7 \t2026-11-20 09:40:12 + 600 = 2026-11-20 09:50:12\n203.0.113.8 \t2026-11-20 09:59:00 + 600 = 2026-11-20 10:09:00\n"
		"2001:db8::1 \t2026-11-19 10:00:00 + -1 = 9999-12-31 23:59:59\nnonsense\n203.0.113.9 \tyesterday at + 600 = then\n",
		"1 203.0.113.7 from=2026-11-20T09:40:12Z to=2026-11-20T09:50:12Z skip=4\n"
		"2 203.0.113.8 from=2026-11-20T09:59:00Z to=2026-11-20T10:09:00Z\n3 2001:db8::1 from=2026-11-19T10:00:00Z\n"
		"4! nonsense: nonsense is no address: write one such as 203.0.113.7 or 2001:db8::7, or a network such as 203.0.113.0/24 (names are not looked up)\n"
		"5! 203.0.113.9 \\tyesterday at + 600 = then: no time of a ban and how long it lasts after the address\n" },
	/* nftables */
	{ FORMAT_NFT,
		"table inet filter {\n\tset banned {\n\t\ttype ipv4_addr\n\t\tflags interval,timeout\n\t\telements = { 203.0.113.7, 198.51.100.0/24 timeout 2h expires 59m30s,\n"
		"\t\t\t     192.0.2.1-192.0.2.2,\n\t\t\t     192.0.2.9 timeout 1d comment \"a, }b\",192.0.2.10 counter packets 1 bytes 60,\n\t\t\t     bogus }\n\t}\n}\n",
		"5 203.0.113.7\n5 198.51.100.0/24 to=2026-11-20T10:59:30Z\n6 192.0.2.1\n6 192.0.2.2\n7 192.0.2.9 note=a, }b to=2026-11-21T10:00:00Z\n7 192.0.2.10\n"
		"8! bogus: bogus is no address: write one such as 203.0.113.7 or 2001:db8::7, or a network such as 203.0.113.0/24 (names are not looked up)\n" },
	{ FORMAT_NFT, "add element inet filter banned { 203.0.113.7 }\n# x\nadd element inet filter banned { 203.0.113.8, 203.0.113.9 } \n",
		"1 203.0.113.7\n3 203.0.113.8\n3 203.0.113.9\n" },
	{ FORMAT_NFT, "set s { type ipv4_addr; elements = { 203.0.113.7 } }\n", "1 203.0.113.7\n" },
	{ FORMAT_NFT, "elements = { 203.0.113.7,\n 203.0.113.8", "1 203.0.113.7\n2 203.0.113.8\n2! : the text ends inside a set: a } is missing\n" },
	/* names of sets, their time-outs, their types; scripts that make several first; a comment that looks like elements */
	{ FORMAT_NFT,
		"table inet stalwarden {\n\tset allowed4 {\n\t\ttype ipv4_addr\n\t\telements = { 203.0.113.1 }\n\t}\n\tset blocked4 {\n\t\ttype ipv4_addr\n"
		"\t\ttimeout 1h\n\t\tcomment \"elements = { 203.0.113.66 }\"\n\t\telements = { 203.0.113.2, 203.0.113.3 timeout 0s }\n\t}\n}\n",
		"4 203.0.113.1 list=allowed\n10 203.0.113.2 to=2026-11-20T11:00:00Z list=blocked\n10 203.0.113.3 list=blocked\n" },
	{ FORMAT_NFT,
		"add set inet f ports { type inet_service; }\nadd set inet f a { type ipv4_addr; timeout 1h; }\nadd element inet f a { 203.0.113.1 }\n"
		"add element inet f ports { 25 }\nadd element inet f b { 203.0.113.2 }\nadd element inet stalwarden allowed6 { 2001:db8::1 }\n"
		"add element inet f m { 203.0.113.3 comment \"x : y\" : drop, 203.0.113.4 : accept, 203.0.113.5 . 25 }\n",
		"3 203.0.113.1 to=2026-11-20T11:00:00Z\n5 203.0.113.2\n6 2001:db8::1 list=allowed\n7 203.0.113.3 note=x : y\n"
		"4! 25: 25 has 1 parts, an IPv4 address has 4; for the whole network write 25.0.0.0/8\n"
		"7! 203.0.113.4 : accept: this map does something else with the address than drop it\n"
		"7! 203.0.113.5 . 25: this set holds addresses together with something else: only addresses can be taken\n" },
	/* ipset */
	{ FORMAT_IPSET,
		"create b hash:net family inet hashsize 1024 maxelem 65536 timeout 0 comment\nadd b 203.0.113.7\nadd b 198.51.100.0/24 timeout 300 comment \"bad guys\"\n"
		"add b 192.0.2.1 timeout 0\nadd b 192.0.2.0/24 nomatch\nadd b 203.0.113.8,tcp:80\n",
		"2 203.0.113.7\n3 198.51.100.0/24 note=bad guys to=2026-11-20T10:05:00Z\n4 192.0.2.1\n"
		"5! 192.0.2.0/24: nomatch makes this an exception of the set, not a member\n"
		"6! 203.0.113.8,tcp:80: this set holds addresses together with something else: only addresses can be taken\n" },
	/* what a set's head says counts for the members that name nothing themselves, and for that set alone */
	{ FORMAT_IPSET,
		"create a hash:ip timeout 600\nadd a 203.0.113.1\nadd a 203.0.113.2 timeout 0\ncreate ports bitmap:port range 0-1024\nadd ports 25\nadd a 203.0.113.3\n"
		"add stalwarden-blocked4 203.0.113.4\nadd stalwarden-allowed4 203.0.113.5\nadd my-Whitelist 203.0.113.6\nadd disallowed 203.0.113.7\n",
		"2 203.0.113.1 to=2026-11-20T10:10:00Z\n3 203.0.113.2\n6 203.0.113.3\n7 203.0.113.4 list=blocked\n8 203.0.113.5 list=allowed\n"
		"9 203.0.113.6 list=allowed\n10 203.0.113.7\n" },
	{ FORMAT_IPSET,
		"Name: b\nType: hash:net\nRevision: 7\nHeader: family inet hashsize 1024\nNumber of entries: 2\nMembers:\n203.0.113.7\n198.51.100.0/24 timeout 60\n\nName: c\nType: hash:ip\nMembers:\n203.0.113.8\n",
		"7 203.0.113.7\n8 198.51.100.0/24 to=2026-11-20T10:01:00Z\n13 203.0.113.8\n" },
	/* iptables */
	{ FORMAT_IPTABLES,
		"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 203.0.113.7/32 -j DROP\n-A INPUT -i lo -j ACCEPT\n-A INPUT -s 10.0.0.0/8 -j ACCEPT\n"
		"-A f2b-sshd -s 203.0.113.8/32 -m comment --comment \"from x\" -j REJECT --reject-with icmp-port-unreachable\n-A INPUT ! -s 203.0.113.9/32 -j DROP\nCOMMIT\n",
		"3 203.0.113.7 list=blocked\n5 10.0.0.0/8 list=allowed\n6 203.0.113.8 note=from x list=blocked\n7! -A INPUT ! -s 203.0.113.9/32 -j DROP: this rule drops everything but that address\n" },
	/* several sources; a rule that is taken away; one for a port is no allowed entry; what this host sends; a range */
	{ FORMAT_IPTABLES,
		"*mangle\n-A INPUT -s 203.0.113.1,203.0.113.2 --jump DROP\n-D INPUT -s 203.0.113.3 -j DROP\n-A INPUT -p tcp --dport 22 -s 203.0.113.4 -j ACCEPT\n"
		"-A OUTPUT -s 203.0.113.5 -j DROP\n-A INPUT -m iprange --src-range 203.0.113.6-203.0.113.7 -j DROP\n"
		"-A INPUT -m comment --comment \"\\\"-s\\\" -j ACCEPT\" -s 203.0.113.8 -j DROP\n",
		"2 203.0.113.1 list=blocked\n2 203.0.113.2 list=blocked\n6 203.0.113.6/31 list=blocked\n7 203.0.113.8 note=\"-s\" -j ACCEPT list=blocked\n"
		"3! -D INPUT -s 203.0.113.3 -j DROP: this rule is taken away, not added\n" },
	{ FORMAT_IPTABLES, "Chain INPUT (policy ACCEPT)\ntarget     prot opt source               destination\nDROP       all  --  203.0.113.7          anywhere\n"
		"ACCEPT     all  --  203.0.113.8          0.0.0.0/0\nDROP       all      2001:db8::/32        ::/0\nDROP       all  --  0.0.0.0/0            0.0.0.0/0\n",
		"3 203.0.113.7 list=blocked\n5 2001:db8::/32 list=blocked\n" },
	/* lines of scripts */
	{ FORMAT_NFT, "#!/bin/sh\nsudo /usr/sbin/nft add element inet f s { 203.0.113.7 }\n  nft add element inet f whitelist '{ 203.0.113.8 }'\n",
		"2 203.0.113.7\n3 203.0.113.8 list=allowed\n" },
	{ FORMAT_IPSET, "/sbin/ipset create x hash:ip timeout 60\n/sbin/ipset -exist add x 203.0.113.7\nipset -A y 203.0.113.8\nsudo ipset del x 203.0.113.9\n",
		"2 203.0.113.7 to=2026-11-20T10:01:00Z\n3 203.0.113.8\n" },
	{ FORMAT_IPTABLES, "/sbin/iptables -w -I INPUT 1 -s 203.0.113.7 -j DROP\nsudo ip6tables -D INPUT -s 2001:db8::1 -j DROP\n",
		"1 203.0.113.7 list=blocked\n2! sudo ip6tables -D INPUT -s 2001:db8::1 -j DROP: this rule is taken away, not added\n" },
	/* what holds no text of this kind */
	{ FORMAT_VALUES, "\x1f\x8b\x08\n203.0.113.7\n", "1! \\x1f\\x8b: this is compressed; pipe it in: zcat FILE | stalwarden import -\n" },
	{ FORMAT_VALUES, "\xff\xfe\x31\n203.0.113.7\n",
		"1! \\xff\\xfe: this is UTF-16; pipe it in: iconv -f UTF-16 -t UTF-8 FILE | stalwarden import -\n" },
	{ FORMAT_IPTABLES, "iptables -I INPUT -s 203.0.113.7 -j DROP\nip6tables -I INPUT -s 2001:db8::1 -j DROP\n", "1 203.0.113.7 list=blocked\n2 2001:db8::1 list=blocked\n" },
};

static void check(const struct sample *s, enum format format, size_t piece)
{
	struct import *im = read_text(format, s->text, strlen(s->text), piece, NOW);
	char *got = dump(im);

	if (im->format != s->format && format == FORMAT_AUTO)
		fail_msg("guessed %s, not %s:\n%s", format_name(im->format), format_name(s->format), s->text);
	if (strcmp(got, s->want) != 0)
		fail_msg("piece %zu of\n%s\ngives\n%s\nnot\n%s", piece, s->text, got, s->want);
	free(got);
	import_free(im);
}

static void test_samples(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		size_t len = strlen(samples[i].text);

		check(&samples[i], FORMAT_AUTO, len + 1);
		check(&samples[i], samples[i].format, len + 1);
	}
}

/* Pieces of any size give the same. */
static void test_splits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		for (size_t piece = 1; piece <= strlen(samples[i].text); piece++)
			check(&samples[i], piece % 2 ? FORMAT_AUTO : samples[i].format, piece);
}

/* Beyond what is looked at to guess: split at every byte after it started reading. */
static void test_long_splits(void **state)
{
	struct buf text = BUF_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
		const struct sample *s = &samples[i];
		enum format f = s->format;
		size_t len;

		if (f == FORMAT_CSV || f == FORMAT_CSCLI || f == FORMAT_FAIL2BAN || strlen(s->text) < 3 || strchr("\x1f\xff", s->text[0]))
			continue;
		buf_reset(&text);
		for (int k = 0; k < 5000; k++)
			buf_addc(&text, ' ');
		buf_adds(&text, s->text[0] == '\xef' ? s->text + 3 : s->text);
		len = text.len;
		for (size_t piece = 4990; piece < 5060 && piece < len; piece++) {
			struct import *im = read_text(f, text.data, len, piece, NOW);
			char *got = dump(im);

			assert_string_equal(got, s->want);
			free(got);
			import_free(im);
		}
	}
	buf_release(&text);
}

static void test_counts(void **state)
{
	static const char text[] = "203.0.113.7\n::ffff:203.0.113.7\n203.0.113.9/24\n203.0.113.0/24\n\n# x\nbad\n::ffff:198.51.100.1\n";
	struct import *im = read_text(FORMAT_AUTO, text, strlen(text), 7, NOW);

	(void)state;
	assert_int_equal(im->lines, 8);
	assert_int_equal(im->count, 3);
	assert_int_equal(im->duplicates, 2);
	assert_int_equal(im->host_bits, 1);
	assert_int_equal(im->mapped, 1);
	assert_int_equal(im->bad_total, 1);
	import_free(im);
	import_free(NULL);
}

/* The same address on both lists is two rows. */
static void test_lists(void **state)
{
	static const char text[] = "ip,list\n203.0.113.7,blocked\n203.0.113.7,allowed\n203.0.113.7,blocked\n";
	struct import *im = read_text(FORMAT_AUTO, text, strlen(text), 100, NOW);

	(void)state;
	assert_int_equal(im->count, 2);
	assert_int_equal(im->duplicates, 1);
	import_free(im);
}

/* Each field of a JSON row replaced by each thing it must not be: never another address, never for ever by mistake. */
static void test_json_fields(void **state)
{
	static const char *const fields[] = {
		"address", "reason", "note", "created_at", "expires_at", "duration", "list", "type", "scope", "family", "state",
	};
	static const char *const values[] = {
		"null", "true", "false", "0", "-1", "1e400", "9223372036854775808", "1.5", "\"\"", "[]", "{}", "[1]", "{\"a\":1}",
		"\"\\u0000\"", "\"203.0.113.7\\u0000\"", "\"\\ud800\"", "\"\xff\"", "\"9999999999999999999999\"", "\"\\u202e\"", "\"Inf\"",
	};

	(void)state;
	for (size_t f = 0; f < ARRAY_LEN(fields); f++) {
		for (size_t v = 0; v < ARRAY_LEN(values); v++) {
			char text[400];

			snprintf(text, sizeof(text), "[{\"%s\":%s%s},{\"address\":\"198.51.100.1\"}]", fields[f], values[v],
				f ? ",\"address\":\"203.0.113.7\"" : "");
			struct import *im = read_text(FORMAT_JSON, text, strlen(text), 1000, NOW);
			assert_int_equal(im->count + im->bad_total, 2);
			for (size_t i = 0; i < im->count; i++) {
				char net[NET_BUF];

				net_format(&im->rows[i].net, net, sizeof(net));
				assert_true(!strcmp(net, "198.51.100.1") || (f && !strcmp(net, "203.0.113.7")));
				/* An end that can't be read loses the row, not the end. */
				if (!strcmp(net, "203.0.113.7") && (!strcmp(fields[f], "expires_at") || !strcmp(fields[f], "duration")))
					assert_true(im->rows[i].expires != TIME_NONE || !strcmp(values[v], "null") || !strcmp(values[v], "\"\""));
			}
			import_free(im);
		}
	}
}

static void test_json_large(void **state)
{
	struct buf text = BUF_INIT;
	struct import *im;

	(void)state;
	/* Deeper than anyone means it. */
	for (int depth = 10; depth <= 100000; depth *= 10) {
		buf_reset(&text);
		for (int i = 0; i < depth; i++)
			buf_addc(&text, '[');
		im = read_text(FORMAT_JSON, text.data, text.len, 999, NOW);
		assert_int_equal(im->count, 0);
		assert_true(im->bad_total > 0);
		import_free(im);
		for (int i = 0; i < depth; i++)
			buf_addc(&text, ']');
		im = read_text(FORMAT_JSON, text.data, text.len, 999, NOW);
		assert_int_equal(im->count, 0);
		import_free(im);
	}
	/* An element of 9 MB between two good ones. */
	buf_reset(&text);
	buf_adds(&text, "[\"203.0.113.7\",\"");
	char *big = xmalloc(9 << 20);
	memset(big, '1', 9 << 20);
	buf_add(&text, big, 9 << 20);
	free(big);
	buf_adds(&text, "\",\"203.0.113.8\"]");
	im = read_text(FORMAT_JSON, text.data, text.len, 65536, NOW);
	assert_int_equal(im->count, 2);
	assert_int_equal(im->bad_total, 1);
	assert_string_equal(import_text(im, im->bad[0].why), "this element is larger than a list entry can be");
	import_free(im);
	buf_release(&text);
}

static void test_long_line(void **state)
{
	struct import *im = import_new(FORMAT_VALUES, NOW);
	static char piece[65536];

	(void)state;
	memset(piece, 'x', sizeof(piece));
	import_feed(im, "203.0.113.7\n", 12);
	for (int i = 0; i < 400; i++)
		import_feed(im, piece, sizeof(piece));
	import_feed(im, "\n203.0.113.8\n", 13);
	import_finish(im);
	assert_int_equal(im->count, 2);
	assert_int_equal(im->rows[1].line, 3);
	assert_int_equal(im->bad_total, 1);
	assert_string_equal(import_text(im, im->bad[0].why), "the line is longer than 16 MiB");
	import_free(im);
}

/* Nothing of what a file holds reaches a screen raw. */
static void test_hostile(void **state)
{
	static const char text[] = "\x1b]52;c;x\a\n\xff\xfe\n\xe2\x80\xae" "7.311.0.302\n";
	struct import *im = read_text(FORMAT_VALUES, text, strlen(text), 100, NOW);

	(void)state;
	assert_int_equal(im->bad_total, 3);
	for (size_t i = 0; i < im->bad_count; i++) {
		for (const char *p = import_text(im, im->bad[i].text); *p; p++)
			assert_in_range((unsigned char)*p, 0x20, 0x7e);
		for (const char *p = import_text(im, im->bad[i].why); *p; p++)
			assert_in_range((unsigned char)*p, 0x20, 0x7e);
	}
	import_free(im);
}

static void test_sort_out(void **state)
{
	static const char text[] = "203.0.113.7\n203.0.113.8\n198.51.100.0/24\n10.1.2.3\n192.0.2.1\n203.0.113.9\n";
	struct entrylist *present = list_of((const char *const[]){ "203.0.113.7", "-203.0.113.8", "203.0.113.0/24", NULL });
	struct entrylist *allowed = list_of((const char *const[]){ "198.51.100.77", "10.0.0.0/8", "-192.0.2.0/24", NULL });
	struct import *im = read_text(FORMAT_AUTO, text, strlen(text), 100, NOW);

	(void)state;
	import_sort_out(im, LIST_BLOCKED, present, allowed, NOW);
	assert_int_equal(im->rows[0].skip, IMPORT_PRESENT);
	assert_int_equal(im->rows[1].skip, IMPORT_TAKE); /* that block is over */
	assert_int_equal(im->rows[2].skip, IMPORT_ALLOWED);
	assert_string_equal(entry_key(allowed, im->rows[2].allowed_row), "198.51.100.77");
	assert_int_equal(im->rows[3].skip, IMPORT_ALLOWED);
	assert_string_equal(entry_key(allowed, im->rows[3].allowed_row), "10.0.0.0/8");
	assert_int_equal(im->rows[4].skip, IMPORT_TAKE);
	assert_int_equal(import_tally(im, IMPORT_TAKE), 3);
	assert_int_equal(import_tally(im, IMPORT_ALLOWED), 2);
	import_free(im);
	im = read_text(FORMAT_AUTO, text, strlen(text), 100, NOW);
	import_sort_out(im, LIST_ALLOWED, NULL, allowed, NOW);
	assert_int_equal(import_tally(im, IMPORT_TAKE), 6);
	import_free(im);
	/* A file of both lists: what is of the other one is neither sent nor said to touch itself. */
	static const char both[] = "address,list\n198.51.100.77,allowed\n10.0.0.0/8,allowed\n203.0.113.7,blocked\n";
	im = read_text(FORMAT_AUTO, both, strlen(both), 100, NOW);
	import_sort_out(im, LIST_BLOCKED, present, allowed, NOW);
	assert_int_equal(import_tally(im, IMPORT_ALLOWED), 0);
	assert_int_equal(import_tally(im, IMPORT_PRESENT), 1);
	assert_int_equal(import_tally(im, IMPORT_TAKE), 2);
	import_free(im);
	/* Once with its list and once without is the same entry; without one, neighbours of both kinds become one. */
	static const char mixed[] = "address,list\n192.0.2.8,\n192.0.2.8,blocked\n192.0.2.8,allowed\n192.0.2.9,blocked\n";
	im = read_text(FORMAT_AUTO, mixed, strlen(mixed), 100, NOW);
	import_sort_out(im, LIST_BLOCKED, NULL, NULL, NOW);
	assert_int_equal(im->duplicates, 1);
	assert_int_equal(im->rows[1].skip, IMPORT_DOUBLE);
	assert_int_equal(import_merge(im), 1);
	import_sort_out(im, LIST_BLOCKED, NULL, NULL, NOW);
	assert_int_equal(im->duplicates, 1);
	assert_int_equal(import_tally(im, IMPORT_TAKE), 2); /* 192.0.2.8/31, and what is allowed */
	import_free(im);
	entrylist_free(present);
	entrylist_free(allowed);
}

/* Networks of a small space at random, some allowed: what is left covers the same addresses until the same time, with fewer rows, no two of
 * them joinable, and nothing of it touches what is allowed. */
static void test_merge_exactly(void **state)
{
	(void)state;
	for (int round = 0; round < 400; round++) {
		struct entrylist *allowed = list_of((const char *const[]){ "203.0.113.77", "203.0.113.192/28", NULL });
		struct buf text = BUF_INIT;
		uint8_t want[2][256] = { { 0 } }, got[2][256] = { { 0 } };

		buf_adds(&text, "ip,until\n");
		for (uint32_t n = random_below(150); n; n--)
			buf_addf(&text, "203.0.113.%u/%u,%s\n", random_below(256), 32 - random_below(5) * random_below(2), random_below(3) ? "" : "2027-01-01");
		struct import *im = read_text(FORMAT_CSV, buf_str(&text), text.len, text.len, NOW);

		import_sort_out(im, LIST_BLOCKED, NULL, allowed, NOW);
		for (size_t i = 0; i < im->count; i++)
			for (unsigned k = 0; im->rows[i].skip == IMPORT_TAKE && k < 1u << (32 - im->rows[i].net.prefix); k++)
				want[im->rows[i].expires != TIME_NONE][im->rows[i].net.addr[3] + k] = 1;
		size_t before = import_tally(im, IMPORT_TAKE), saved = import_merge(im);

		assert_int_equal(import_tally(im, IMPORT_TAKE) + saved, before);
		for (size_t i = 0; i < im->count; i++)
			for (unsigned k = 0; im->rows[i].skip == IMPORT_TAKE && k < 1u << (32 - im->rows[i].net.prefix); k++)
				assert_int_equal(got[im->rows[i].expires != TIME_NONE][im->rows[i].net.addr[3] + k]++, 0);
		assert_memory_equal(want, got, sizeof(want));
		import_sort_out(im, LIST_BLOCKED, NULL, allowed, NOW);
		assert_int_equal(import_tally(im, IMPORT_TAKE) + saved, before); /* nothing that is allowed got in */
		assert_int_equal(import_merge(im), 0);
		import_free(im);
		buf_release(&text);
		entrylist_free(allowed);
	}
}

static void test_merge(void **state)
{
	static const char text[] = "ip,note,reason,created,expires\n"
		"203.0.113.0/25,half,auth,2026-11-02,\n203.0.113.128/25,,auth,2026-11-01,\n203.0.113.9,inside,scan,,\n"
		"198.51.100.0,,,,2026-12-01\n198.51.100.1,,,,2026-12-02\n192.0.2.4,,,,2026-12-01\n192.0.2.5,b,,,2026-12-01\n2001:db8::1,,,,\n";
	struct import *im = read_text(FORMAT_AUTO, text, strlen(text), 1000, NOW);
	char *got;

	(void)state;
	assert_int_equal(import_merge(im), 3);
	got = dump(im);
	assert_string_equal(got,
		"2 203.0.113.0/24 note=half from=2026-11-01T00:00:00Z\n"
		"3 203.0.113.128/25 reason=auth from=2026-11-01T00:00:00Z skip=3\n"
		"4 203.0.113.9 reason=scan note=inside skip=3\n"
		"5 198.51.100.0 to=2026-12-01T00:00:00Z\n6 198.51.100.1 to=2026-12-02T00:00:00Z\n"
		"7 192.0.2.4/31 note=b to=2026-12-01T00:00:00Z\n8 192.0.2.5 note=b to=2026-12-01T00:00:00Z skip=3\n9 2001:db8::1\n");
	free(got);
	assert_int_equal(import_merge(im), 0);
	import_free(im);
	im = import_new(FORMAT_AUTO, NOW);
	import_finish(im);
	assert_int_equal(import_merge(im), 0);
	import_free(im);
}

/* Random bytes and random mutations of the samples: never a crash, every line accounted for. */
static void test_mutations(void **state)
{
	(void)state;
	for (int round = 0; round < 20000; round++) {
		const struct sample *s = &samples[random_below(ARRAY_LEN(samples))];
		char text[2048];
		size_t len = strlen(s->text);

		memcpy(text, s->text, len);
		for (uint32_t n = 1 + random_below(6); n && len; n--)
			text[random_below((uint32_t)len)] = "\n\"{}[],:/# \\-0\x80\x00"[random_below(17)];
		struct import *im = read_text(random_below(2) ? FORMAT_AUTO : (enum format)random_below(FORMAT_COUNT), text, len, 1 + random_below(300), NOW);
		assert_true(im->bad_count <= im->bad_total);
		import_free(im);
	}
}

/* A million lines: nothing is quadratic. */
static void test_million(void **state)
{
	struct import *im = import_new(FORMAT_AUTO, NOW);
	struct buf text = BUF_INIT;

	(void)state;
	for (int i = 0; i < 1000000; i++) {
		char net[NET_BUF];
		struct net n = { { (uint8_t)(1 + (i >> 16)), (uint8_t)(i >> 8), (uint8_t)i, 7 }, 4, 32 };

		buf_addf(&text, "%s\n", i % 1000 == 500 ? "bad" : net_format(&n, net, sizeof(net)));
		if (text.len > 60000) {
			import_feed(im, text.data, text.len);
			buf_reset(&text);
		}
	}
	import_feed(im, text.data, text.len);
	import_finish(im);
	assert_int_equal(im->count, 999000);
	assert_int_equal(im->bad_total, 1000);
	assert_int_equal(im->bad[0].line, 501);
	assert_int_equal(im->bad[999].line, 999501);
	import_free(im);
	buf_release(&text);
}

static void test_names(void **state)
{
	enum format f;

	(void)state;
	assert_true(format_parse("ipset", &f));
	assert_int_equal(f, FORMAT_IPSET);
	assert_false(format_parse("xml", &f));
	assert_true(format_can_read(FORMAT_FAIL2BAN));
	assert_false(format_can_write(FORMAT_FAIL2BAN));
	assert_false(format_can_write(FORMAT_AUTO));
	assert_string_equal(format_name(FORMAT_CSCLI), "cscli");
	assert_string_equal(format_words(FORMAT_VALUES), "one address or network a line");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),     cmocka_unit_test(test_splits),    cmocka_unit_test(test_long_splits),
		cmocka_unit_test(test_counts),      cmocka_unit_test(test_lists),     cmocka_unit_test(test_json_fields),
		cmocka_unit_test(test_json_large),  cmocka_unit_test(test_long_line), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_sort_out),    cmocka_unit_test(test_merge), cmocka_unit_test(test_merge_exactly),     cmocka_unit_test(test_mutations),
		cmocka_unit_test(test_million),     cmocka_unit_test(test_names),
	};

	/* fail2ban writes local time. */
	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
