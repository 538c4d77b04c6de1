package aws

import (
	"encoding/xml"
	"net/http"
)

type xmlBucket struct {
	Name         string
	CreationDate string
}

type listBucketsResult struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
	Owner   struct {
		ID          string
		DisplayName string
	}
	Buckets []xmlBucket `xml:"Buckets>Bucket"`
}

// serveS3 answers ListBuckets, with one bucket whose name tells the account.
func (s *Server) serveS3(w http.ResponseWriter, r *http.Request, body []byte) {
	if f := s.intercept(r, "ListBuckets"); f != nil {
		writeS3Fault(w, f)
		return
	}
	s.mu.Lock()
	key, f := s.authenticate(r, body)
	s.mu.Unlock()
	if f != nil {
		writeS3Fault(w, f.inS3())
		return
	}
	if r.Method != http.MethodGet || r.URL.Path != "/" {
		writeS3Fault(w, &fault{"NotImplemented", http.StatusNotImplemented, "A header you provided implies functionality that is not implemented"})
		return
	}
	result := listBucketsResult{Buckets: []xmlBucket{{"bucket-of-" + key.who.account, "2026-01-01T00:00:00.000Z"}}}
	result.Owner.ID = key.who.account
	writeXML(w, http.StatusOK, result)
}

func writeS3Fault(w http.ResponseWriter, f *fault) {
	writeXML(w, f.status, s3Error{Code: f.code, Message: f.message, RequestID: requestID(), HostID: requestID()})
}
